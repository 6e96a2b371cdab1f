//! Calling `systemctl` and `loginctl`.

use std::process::Command;

use crate::failure::Failure;

/// Runs a tool of the system and gives what it printed.
///
/// # Errors
/// When it is not there, or fails; its words are in the error.
pub(super) fn call(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let shown = || format!("{program} {}", arguments.join(" "));
    let output = Command::new(program).args(arguments).output().map_err(|error| {
        Failure::message(format!("cannot run {}: {error}", shown()))
            .hint("this machine has no systemd to talk to; `--dry-run` prints the files")
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(Failure::message(format!("{} failed: {}", shown(), words.trim())))
}

/// What a tool prints, whether or not it succeeds: `is-active` tells a state by failing. `None` where it is not there.
pub(super) fn ask(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Whether the services of a user go on after logout and start at boot; `None` where nobody knows.
pub(super) fn lingers(user: &str) -> Option<bool> {
    match ask("loginctl", &["show-user", user, "--property=Linger", "--value"])?.as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}
