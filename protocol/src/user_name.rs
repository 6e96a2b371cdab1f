//! What people can be called.

/// Why a text is no user name, in upstream's words (commhub-http §1.2, §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserNameError {
    /// Fewer than two characters.
    #[error("username must be at least 2 characters")]
    TooShort,
    /// More than fifty characters.
    #[error("username too long (max 50)")]
    TooLong,
    /// A character that no user name has.
    #[error("username contains invalid characters")]
    ForeignCharacter,
}

impl UserNameError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        "a user name has 2 to 50 letters from a to z, digits, `_`, `-` or Chinese characters"
    }
}

/// Checks a user name. No letters but ASCII's and CJK ideographs: others look alike.
///
/// # Errors
/// [`UserNameError`] says what is wrong.
pub fn validate_user_name(name: &str) -> Result<(), UserNameError> {
    match name.chars().count() {
        0..2 => Err(UserNameError::TooShort),
        51.. => Err(UserNameError::TooLong),
        _ if name.chars().all(is_allowed) => Ok(()),
        _ => Err(UserNameError::ForeignCharacter),
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || ('\u{4e00}'..='\u{9fff}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_two_to_fifty_letters_that_look_like_nothing_else() {
        for name in ["ab", "A_b-9", "代理", &"a".repeat(50)] {
            assert_eq!(validate_user_name(name), Ok(()), "{name}");
        }
        assert_eq!(validate_user_name("a"), Err(UserNameError::TooShort));
        assert_eq!(validate_user_name(&"a".repeat(51)), Err(UserNameError::TooLong));
        for name in ["a b", "аlice", "a\n", "ａｂ", "a/b", "a\u{200b}b"] {
            assert_eq!(validate_user_name(name), Err(UserNameError::ForeignCharacter), "{name}");
        }
    }
}
