use unicode_normalization::UnicodeNormalization as _;

use crate::text::is_invisible;

/// The most bytes of a name: it is a directory, and file systems stop at 255.
pub const NODE_NAME_LIMIT: usize = 200;

const FORBIDDEN: [char; 10] = ['.', '/', '\\', ':', '*', '?', '"', '<', '>', '|'];

/// Why a text cannot be the name of a node; each message tells the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeNameError {
    /// It is empty.
    #[error("a node's name must not be empty")]
    Empty,
    /// It is too long to be a directory's name.
    #[error("a node's name must not be longer than {NODE_NAME_LIMIT} bytes; this one has {length}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It would be read as an option.
    #[error("a node's name must not begin with `-`")]
    LeadingHyphen,
    /// It holds a character that names must not hold.
    #[error(
        "a node's name must not contain {character:?}: \
         blanks, control characters, invisible characters and . / \\ : * ? \" < > | are not allowed"
    )]
    Forbidden {
        /// The first such character.
        character: char,
    },
    /// It could be written in two ways that look the same.
    #[error("a node's name must be in Unicode's composed form (NFC): write it as `{composed}`")]
    NotComposed {
        /// The same name in that form.
        composed: String,
    },
}

/// Checks that a text can be the name of a node.
///
/// # Errors
/// [`NodeNameError`] tells the first rule that is broken.
pub fn validate_node_name(name: &str) -> Result<(), NodeNameError> {
    if name.is_empty() {
        return Err(NodeNameError::Empty);
    }
    if name.len() > NODE_NAME_LIMIT {
        return Err(NodeNameError::TooLong { length: name.len() });
    }
    if name.starts_with('-') {
        return Err(NodeNameError::LeadingHyphen);
    }
    if let Some(character) = name.chars().find(|c| is_forbidden(*c)) {
        return Err(NodeNameError::Forbidden { character });
    }
    let composed: String = name.nfc().collect();
    if composed == name { Ok(()) } else { Err(NodeNameError::NotComposed { composed }) }
}

fn is_forbidden(character: char) -> bool {
    character.is_whitespace() || character.is_control() || FORBIDDEN.contains(&character) || is_invisible(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_and_foreign_names_are_allowed() {
        for name in ["counter", "a", "node-1_B", "前端-审查", "é", "ключ", "x=y", "💡", "n(1)"] {
            assert_eq!(validate_node_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn every_forbidden_character_is_named() {
        for character in ". /\\:*?\"<>|\t\n\0\u{7f}\u{a0}\u{3000}\u{200b}\u{202e}\u{2066}\u{feff}".chars() {
            let name = format!("a{character}b");
            assert_eq!(validate_node_name(&name), Err(NodeNameError::Forbidden { character }), "{name:?}");
        }
    }

    #[test]
    fn no_name_leads_out_of_its_directory() {
        for name in ["..", ".", "../x", "/etc", "a/../b", "..\\x", "~/x"] {
            assert!(validate_node_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_name_is_never_an_option() {
        for name in ["-", "-x", "--help"] {
            assert_eq!(validate_node_name(name), Err(NodeNameError::LeadingHyphen));
        }
    }

    #[test]
    fn one_look_has_one_spelling() {
        let error = validate_node_name("cafe\u{301}").unwrap_err();
        assert_eq!(error, NodeNameError::NotComposed { composed: "café".to_owned() });
    }

    #[test]
    fn the_length_is_bounded_in_bytes() {
        assert_eq!(validate_node_name(""), Err(NodeNameError::Empty));
        assert_eq!(validate_node_name(&"a".repeat(200)), Ok(()));
        assert_eq!(validate_node_name(&"鍵".repeat(67)), Err(NodeNameError::TooLong { length: 201 }));
    }
}
