//! A secret copied from an example is known to everybody.

use anet_protocol::control::HubVariables;
use anet_protocol::variables;

use crate::failure::Failure;

/// A shorter secret can be guessed.
const SHORTEST: usize = 16;

/// With fewer different characters it is a row of the same, not a secret.
const FEWEST_CHARACTERS: usize = 5;

/// What examples write in the place of a secret.
const WORDS: [&str; 6] = ["changeme", "change-me", "change_me", "placeholder", "generate-a", "replace-me"];

/// How examples begin.
const BEGINNINGS: [&str; 3] = ["your-", "your_", "xxx"];

/// Refuses secrets that everybody knows; the value is not repeated.
pub(super) fn refuse(variables: &HubVariables) -> Result<(), Failure> {
    for variable in variables::ALL.iter().filter(|variable| variable.is_secret) {
        let Some(reason) = variables.get(variable.name).and_then(reason) else { continue };
        return Err(Failure::usage(format!("the value of {} {reason}", variable.name))
            .hint("make a secret with `openssl rand -hex 32`"));
    }
    Ok(())
}

fn reason(value: &str) -> Option<&'static str> {
    let value = value.trim().to_lowercase();
    let different: std::collections::HashSet<char> = value.chars().collect();
    let is_example = WORDS.iter().any(|word| value.contains(word))
        || BEGINNINGS.iter().any(|beginning| value.starts_with(beginning));
    if is_example || different.len() < FEWEST_CHARACTERS {
        return Some("is a placeholder, not a secret");
    }
    (value.chars().count() < SHORTEST).then_some("is shorter than 16 characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_examples_is_no_secret() {
        for value in [
            "changeme",
            "secret",
            "your-secret-key-here-please",
            "generate-a-random-64-char-string",
            "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
            "a-placeholder-of-some-length",
            "0000000000000000000000",
            "0123456789abcde",
        ] {
            assert!(reason(value).is_some(), "{value}");
        }
        for value in ["0123456789abcdef", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"] {
            assert_eq!(reason(value), None, "{value}");
        }
    }
}
