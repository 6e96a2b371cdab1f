//! The environment that children get: an allow-list of the caller's, and nothing else of it (R41).

use std::ffi::{OsStr, OsString};

const ALLOWED: [&str; 8] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME", "SHELL"];
const ALLOWED_BEGINNINGS: [&str; 2] = ["LC_", "XDG_"];

/// What of the caller's environment reaches every child.
pub(crate) fn allowed(environment: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    environment.iter().filter(|(name, _)| is_allowed(name)).cloned().collect()
}

/// The value of a variable of the caller's; an empty one counts as unset.
pub(crate) fn lookup<'environment>(
    environment: &'environment [(OsString, OsString)],
    name: &str,
) -> Option<&'environment OsStr> {
    let (_, value) = environment.iter().find(|(key, value)| key == name && !value.is_empty())?;
    Some(value)
}

fn is_allowed(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        ALLOWED.contains(&name) || ALLOWED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_identity_and_loader_variables_of_the_caller_stay_outside() {
        let pairs = |names: &[&str]| names.iter().map(|name| (name.into(), "x".into())).collect::<Vec<_>>();
        let kept = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME", "SHELL", "XDG_RUNTIME_DIR"];
        let others = ["COMMHUB_TOKEN", "ANTHROPIC_API_KEY", "ANET_INSTANCE_ID", "LD_PRELOAD", "PATHX", "NOTIFY_SOCKET"];
        let caller: Vec<_> = pairs(&kept).into_iter().chain(pairs(&others)).collect();
        assert_eq!(allowed(&caller), pairs(&kept));
    }

    #[test]
    fn an_empty_variable_is_unset() {
        let caller = [("A".into(), OsString::new()), ("B".into(), "1".into())];
        assert_eq!(lookup(&caller, "A"), None);
        assert_eq!(lookup(&caller, "B"), Some(OsStr::new("1")));
    }
}
