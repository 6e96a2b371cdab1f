//! The runtime's program: found as its start would find it, and why it cannot be started.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::settings::Settings;

/// How much of a script's first line the kernel reads (`BINPRM_BUF_SIZE`, execve(2)).
const FIRST_LINE_BYTES: u64 = 256;

/// Why there is no program to start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    /// None is named.
    #[error("the runtime `command` has no program; name one after `--`")]
    Unnamed,
    /// It is not there.
    #[error("the runtime's program `{program}` is not found in {place}")]
    Missing { program: String, place: String },
    /// It is something else, such as a directory.
    #[error("the runtime's program {} is not a file", path.display())]
    NotAFile { path: PathBuf },
    /// It may not be executed.
    #[error("the runtime's program {0} is not executable; make it so with: chmod +x {0}", path.display())]
    NotExecutable { path: PathBuf },
    /// It is a script for something that is not there.
    #[error("the interpreter `{interpreter}` that {} names in its first line is missing", path.display())]
    InterpreterMissing { path: PathBuf, interpreter: String },
}

/// Finds the runtime's program. The answer is an absolute path.
pub(crate) fn find(settings: &Settings) -> Result<PathBuf, ProgramError> {
    let program = settings.runtime.argv.first().filter(|program| !program.is_empty()).ok_or(ProgramError::Unnamed)?;
    let path = if program.contains('/') {
        in_project(&settings.project_dir, program)?
    } else {
        let search_path = search_path(settings);
        search_path
            .split(':')
            // An empty or a relative entry means whatever directory one happens to be in.
            .filter(|dir| dir.starts_with('/'))
            .map(|dir| Path::new(dir).join(program))
            .find(|path| fs::metadata(path).is_ok_and(|data| data.is_file() && is_executable(&data)))
            .ok_or_else(|| ProgramError::Missing { program: program.clone(), place: format!("PATH ({search_path})") })?
    };
    match missing_interpreter(&path) {
        Some(interpreter) => Err(ProgramError::InterpreterMissing { path, interpreter }),
        None => Ok(path),
    }
}

fn in_project(project_dir: &Path, program: &str) -> Result<PathBuf, ProgramError> {
    // Taken apart and put together again, a path has no `/./`.
    let path: PathBuf = project_dir.join(program).components().collect();
    match fs::metadata(&path) {
        Ok(data) if !data.is_file() => Err(ProgramError::NotAFile { path }),
        Ok(data) if is_executable(&data) => Ok(path),
        Ok(_) => Err(ProgramError::NotExecutable { path }),
        Err(_) => Err(ProgramError::Missing { program: program.to_owned(), place: path.display().to_string() }),
    }
}

fn is_executable(metadata: &fs::Metadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}

/// The agents' `PATH`.
pub(crate) fn search_path(settings: &Settings) -> String {
    let given = settings.agent_environment.iter().rfind(|(key, _)| key == "PATH").map(|(_, value)| value.clone());
    let own = settings.program_dir.as_ref().map(|dir| dir.display().to_string());
    own.into_iter().chain(given.filter(|path| !path.is_empty())).collect::<Vec<_>>().join(":")
}

/// Why the start of `path` in `project_dir` failed with `error`: the kernel answers "no such file" for three of them.
pub(crate) fn explain(path: &Path, project_dir: &Path, error: &io::Error) -> String {
    let program = path.display();
    if error.kind() != io::ErrorKind::NotFound || !path.exists() {
        return format!("{program} cannot be started: {error}");
    }
    if !project_dir.is_dir() {
        return format!("{program} cannot be started: the project directory {} does not exist", project_dir.display());
    }
    match missing_interpreter(path) {
        Some(interpreter) => {
            format!("{program} cannot be started: the interpreter `{interpreter}` that its first line names is missing")
        }
        None => {
            format!("{program} cannot be started: the file exists, but the loader or interpreter it needs is missing")
        }
    }
}

/// The interpreter that a script names in its first line, if it is not there. A carriage return, with which an
/// editor of another system ends lines, is a part of the name and shown as `\r`.
fn missing_interpreter(script: &Path) -> Option<String> {
    let mut line = Vec::new();
    // What cannot be read, as a program may be, is left to its start.
    BufReader::new(fs::File::open(script).ok()?.take(FIRST_LINE_BYTES)).read_until(b'\n', &mut line).ok()?;
    let named = line.strip_prefix(b"#!")?;
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = named.iter().position(|byte| !is_blank(byte))?;
    let interpreter = named[start..].split(|byte| is_blank(byte) || matches!(byte, b'\n' | b'\0')).next()?;
    let path = Path::new(std::ffi::OsStr::from_bytes(interpreter));
    (path.is_absolute() && !path.exists()).then(|| String::from_utf8_lossy(interpreter).escape_debug().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::settings;
    use crate::settings::Command;

    fn found(dir: &Path, program: &str) -> Result<PathBuf, String> {
        let runtime = Command { argv: vec![program.to_owned()], timeout: None };
        let settings = Settings { project_dir: dir.to_owned(), runtime, ..settings() };
        find(&settings).map_err(|error| error.to_string())
    }

    fn write(path: &Path, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_wrong_with_a_program_is_said_with_its_plain_path() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().display();
        write(&dir.path().join("plain.sh"), "echo 42", 0o644);
        write(&dir.path().join("good.sh"), "#! /bin/sh -eu\necho 42", 0o755);
        write(&dir.path().join("short.sh"), "#!/bin/sh", 0o755);
        write(&dir.path().join("strange.sh"), "#!/no/such/interpreter -x\n", 0o755);
        write(&dir.path().join("dos.sh"), "#!/bin/sh\r\necho 42\r\n", 0o755);
        for (program, answer) in [
            ("./missing.sh", format!("the runtime's program `./missing.sh` is not found in {place}/missing.sh")),
            ("./", format!("the runtime's program {place} is not a file")),
            (
                "./plain.sh",
                format!(
                    "the runtime's program {place}/plain.sh is not executable; make it so with: chmod +x \
                     {place}/plain.sh"
                ),
            ),
            (
                "./strange.sh",
                format!(
                    "the interpreter `/no/such/interpreter` that {place}/strange.sh names in its first line is missing"
                ),
            ),
            (
                "./dos.sh",
                format!("the interpreter `/bin/sh\\r` that {place}/dos.sh names in its first line is missing"),
            ),
        ] {
            assert_eq!(found(dir.path(), program), Err(answer), "{program}");
        }
        for program in ["./good.sh", "./short.sh"] {
            assert_eq!(found(dir.path(), program), Ok(dir.path().join(&program[2..])), "{program}");
        }
    }

    #[test]
    fn no_such_file_is_explained_by_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("strange.sh");
        write(&script, "#!/no/such/interpreter\n", 0o755);
        let error = || io::Error::from_raw_os_error(nix::libc::ENOENT);
        let interpreter = explain(&script, dir.path(), &error());
        assert!(interpreter.ends_with("the interpreter `/no/such/interpreter` that its first line names is missing"));
        let project = explain(Path::new("/bin/sh"), Path::new("/no/project"), &error());
        assert!(project.ends_with("the project directory /no/project does not exist"), "{project}");
        let itself = explain(Path::new("/no/program"), dir.path(), &error());
        assert!(itself.starts_with("/no/program cannot be started: No such file"), "{itself}");
    }
}
