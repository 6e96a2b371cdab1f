//! Names of AI Partner for settings of ours, so that its users need not write them anew. They are read under that
//! product's prefix alone: without it they may belong to any other program.

use std::fmt;

/// What the names of the other product begin with.
pub const ALIAS_PREFIX: &str = "AI_PARTNER_";

/// Another name for a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias {
    /// The name.
    pub name: &'static str,
    wording: Wording,
}

/// How the value under the other name is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// As it is.
    Same,
    /// A bare number of minutes.
    Minutes,
    /// One of these words, each with ours for it.
    Words(&'static [(&'static str, &'static str)]),
}

impl Alias {
    pub(super) const fn new(name: &'static str, wording: Wording) -> Self {
        Self { name, wording }
    }

    /// The name without the prefix: what the other product's own table calls it, and what is not read.
    #[must_use]
    pub fn bare_name(&self) -> &'static str {
        self.name.strip_prefix(ALIAS_PREFIX).unwrap_or(self.name)
    }

    /// What the value means in our words.
    ///
    /// # Errors
    /// With the rule that the value does not obey.
    pub fn translate(&self, value: &str) -> Result<String, String> {
        match self.wording {
            Wording::Same => Ok(value.to_owned()),
            Wording::Minutes => match value.parse::<u32>() {
                Ok(minutes) => Ok(format!("{minutes}m")),
                Err(_) => Err("use a number of minutes".to_owned()),
            },
            Wording::Words(words) => {
                let known = words.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(value));
                known.map(|(_, ours)| (*ours).to_owned()).ok_or_else(|| {
                    let words: Vec<_> = words.iter().map(|(theirs, _)| *theirs).collect();
                    format!("use {}", words.join(" or "))
                })
            }
        }
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        match self.wording {
            Wording::Same => Ok(()),
            Wording::Minutes => write!(f, ", in minutes"),
            Wording::Words(words) => {
                let words: Vec<_> = words.iter().map(|(theirs, ours)| format!("{theirs} is {ours}")).collect();
                write!(f, ": {}", words.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_products_words_become_ours() {
        let switch = Alias::new("AI_PARTNER_AUTH_ENABLED", Wording::Words(&[("true", "on"), ("false", "off")]));
        assert_eq!(switch.translate("True"), Ok("on".to_owned()));
        assert_eq!(switch.translate("false"), Ok("off".to_owned()));
        assert_eq!(switch.translate("yes"), Err("use true or false".to_owned()));
        let minutes = Alias::new("AI_PARTNER_LOCKOUT_DURATION_MINUTES", Wording::Minutes);
        assert_eq!((minutes.translate("15"), minutes.bare_name()), (Ok("15m".to_owned()), "LOCKOUT_DURATION_MINUTES"));
        assert!(minutes.translate("15m").is_err());
    }
}
