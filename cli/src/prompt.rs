//! Asking a person, or a pipe.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use crate::failure::Failure;

/// Whether there is a person to ask.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a line.
///
/// # Errors
/// When stdin ends first.
pub(crate) fn line(question: &str) -> Result<String, Failure> {
    write!(io::stderr(), "{question}: ").and_then(|()| io::stderr().flush())?;
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        return Err(missing(question, ""));
    }
    Ok(answer.trim().to_owned())
}

/// Asks for a secret: unseen on a terminal, else one line of stdin.
///
/// # Errors
/// When stdin ends first.
pub(crate) fn secret(question: &str) -> Result<SecretString, Failure> {
    if io::stdin().is_terminal() {
        let answer = rpassword::prompt_password(format!("{question}: ")).context("cannot read from the terminal")?;
        return Ok(answer.into());
    }
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        return Err(missing(question, " on stdin"));
    }
    Ok(answer.trim_end_matches(['\r', '\n']).to_owned().into())
}

/// Only the first letter is made small: what else stands in a question may be the name of a variable.
fn missing(question: &str, place: &str) -> Failure {
    let mut letters = question.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    let question: String = first.into_iter().chain(letters).collect();
    Failure::usage(format!("no {question} was given{place}"))
}

/// Asks for a secret that is being chosen: twice on a terminal, where nobody sees a slip; once from a pipe.
///
/// # Errors
/// When stdin ends first, or the two differ.
pub(crate) fn new_secret(question: &str) -> Result<SecretString, Failure> {
    let first = secret(question)?;
    if io::stdin().is_terminal() {
        let second = secret(&format!("{question}, once more"))?;
        if first.expose_secret() != second.expose_secret() {
            return Err(Failure::message("the two were not the same; nothing was changed"));
        }
    }
    Ok(first)
}
