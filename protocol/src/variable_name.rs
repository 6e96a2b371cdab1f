//! Which variables of a node's environment a person may set, by the rules of the older tools' remote editing
//! (anet-cli-and-nodes §1.7).

/// The longest name.
const LONGEST: usize = 128;

/// The longest value, in bytes.
pub const LONGEST_VALUE: usize = 8 * 1024;

/// Names that decide which program runs as whom, or where it finds what.
const RESERVED: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "RUNTIME",
    "ALIAS",
    "MODEL",
    "CODEX_HOME",
    "NOTIFY_SOCKET",
    "BASH_ENV",
    "ENV",
];
const RESERVED_BEGINNINGS: [&str; 9] =
    ["NODE_", "LD_", "DYLD_", "BUN_", "NPM_CONFIG_", "XDG_", "ANET_", "COMMHUB_", "LISTEN_"];
const RESERVED_ENDINGS: [&str; 1] = ["_BINARY"];

/// Why a variable cannot be set. No message repeats a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// The name is none.
    #[error("a name has capital letters, digits and _, does not begin with a digit, and has at most 128 characters")]
    Name,
    /// The name belongs to the system or to anet.
    #[error("the name is reserved: it decides which program runs, as whom, or where it finds what")]
    Reserved,
    /// The value is empty, which would count as none.
    #[error("the value is empty; take the variable away instead")]
    Empty,
    /// The value is too long.
    #[error("the value is longer than 8 KiB")]
    TooLong,
    /// The value holds NUL, CR or LF.
    #[error("the value holds a line break or NUL; was more copied than meant?")]
    Control,
}

/// Whether a person may set this variable.
///
/// # Errors
/// [`VariableError`] says which rule it breaks.
pub fn check_name(name: &str) -> Result<(), VariableError> {
    let is_name = (1..=LONGEST).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if !is_name {
        return Err(VariableError::Name);
    }
    let is_reserved = RESERVED.contains(&name)
        || RESERVED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || RESERVED_ENDINGS.iter().any(|ending| name.ends_with(ending));
    if is_reserved { Err(VariableError::Reserved) } else { Ok(()) }
}

/// Whether a secret may have this value: one line, as vendors' keys are.
///
/// # Errors
/// [`VariableError`] says which rule it breaks.
pub fn check_secret(value: &str) -> Result<(), VariableError> {
    match value {
        "" => Err(VariableError::Empty),
        _ if value.len() > LONGEST_VALUE => Err(VariableError::TooLong),
        _ if value.contains(['\0', '\r', '\n']) => Err(VariableError::Control),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_decide_what_runs_are_refused() {
        for name in [
            "PATH",
            "HOME",
            "NODE_OPTIONS",
            "LD_PRELOAD",
            "DYLD_INSERT_LIBRARIES",
            "BUN_X",
            "NPM_CONFIG_PREFIX",
            "XDG_CONFIG_HOME",
            "ANET_HOME",
            "COMMHUB_TOKEN",
            "CLAUDE_BINARY",
            "RUNTIME",
            "ALIAS",
            "MODEL",
            "CODEX_HOME",
            "NOTIFY_SOCKET",
            "LISTEN_FDS",
            "BASH_ENV",
        ] {
            assert_eq!(check_name(name), Err(VariableError::Reserved), "{name}");
        }
        for name in ["ANTHROPIC_AUTH_TOKEN", "_X", "A1", "PATHS", "MY_HOME", "OPENAI_API_KEY", &"A".repeat(128)] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "1A", "a", "A-B", "A B", "A=B", "É", "A\n", &"A".repeat(129)] {
            assert_eq!(check_name(name), Err(VariableError::Name), "{name}");
        }
    }

    #[test]
    fn a_secret_is_one_line() {
        assert_eq!(check_secret("sk-x y\t"), Ok(()));
        assert_eq!(check_secret(""), Err(VariableError::Empty));
        for value in ["a\n", "a\rb", "a\0"] {
            assert_eq!(check_secret(value), Err(VariableError::Control), "{value:?}");
        }
        assert_eq!(check_secret(&"x".repeat(LONGEST_VALUE)), Ok(()));
        assert_eq!(check_secret(&"x".repeat(LONGEST_VALUE + 1)), Err(VariableError::TooLong));
    }
}
