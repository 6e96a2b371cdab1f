//! Names of people.

use anet_protocol::redaction::Redactor;
use anet_protocol::rest::ErrorCode;
use anet_protocol::user_name::validate_user_name;
use unicode_normalization::UnicodeNormalization as _;

use crate::error::{HubError, Refusal};

/// Refuses what is no user name.
pub(crate) fn check_username(username: &str) -> Result<(), HubError> {
    validate_user_name(username)
        .map_err(|error| Refusal::new(ErrorCode::InvalidInput, error.to_string()).hint(error.hint()).into())
}

/// The name as it is compared: in compatibility form (NFKC) and without case, cut to what a name can be.
pub(crate) fn key(username: &str) -> String {
    username.trim().nfkc().take(64).collect::<String>().to_lowercase()
}

/// An attempted name as the audit log may show it: what cannot be a name may be a password in the wrong field, and what
/// looks like a token is one.
pub(crate) fn shown(username: &str) -> &str {
    let is_harmless = check_username(username).is_ok() && Redactor::default().redact(username) == username;
    if is_harmless { username } else { "(no user name)" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_have_one_key() {
        assert_eq!(key("Alice"), key("alice"));
        assert_eq!(key(" ALICE "), key("alice"));
        assert_eq!(key("ａｌｉｃｅ"), key("alice"));
        assert_ne!(key("аlice"), key("alice"), "a Cyrillic letter is another one, and is no name");
    }
}
