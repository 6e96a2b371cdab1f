//! Programs that a person runs as agents; they lie in `agents/`, in several languages.
//!
//! An agent of the `command` runtime is any program: the task arrives on stdin, the answer leaves on
//! stdout, a non-zero exit with words on stderr is a failure with a reason.

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    #[test]
    fn every_script_can_be_executed_and_says_what_executes_it() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("agents");
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                continue;
            }
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o111, 0o111, "{}", path.display());
            assert!(std::fs::read_to_string(&path).unwrap().starts_with("#!"), "{}", path.display());
        }
    }
}
