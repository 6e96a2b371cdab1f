//! Whose file it is.

use clap::ValueEnum;

use crate::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Pm2,
    Supervisord,
    Procfile,
}

impl Format {
    const fn word(self) -> &'static str {
        match self {
            Self::Pm2 => "pm2",
            Self::Supervisord => "supervisord",
            Self::Procfile => "procfile",
        }
    }

    /// The format that a text looks like.
    fn guess(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
        if text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<serde_json::Value>(text).is_ok() {
            return Some(Self::Pm2);
        }
        if text.lines().any(|line| line.starts_with("[program:") || line.starts_with("[supervisord]")) {
            return Some(Self::Supervisord);
        }
        let is_entry = |line: &str| {
            line.split_once(": ")
                .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)))
        };
        (!text.trim().is_empty() && lines.all(is_entry)).then_some(Self::Procfile)
    }

    /// The refusal of a text that is of another format.
    pub(super) fn refuse_other(self, text: &str, file: &str) -> Result<(), Failure> {
        match Self::guess(text).filter(|guess| *guess != self) {
            None => Ok(()),
            Some(other) => {
                let (mine, other) = (self.word(), other.word());
                Err(Failure::message(format!("it is no file of {mine}, but looks like one of {other}"))
                    .hint(format!("anet import {other} {file}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_format_is_known_and_the_right_command_named() {
        let (pm2, supervisord) =
            (include_str!("testdata/ecosystem.config.json"), include_str!("testdata/supervisord.conf"));
        let all = [(Format::Pm2, pm2), (Format::Supervisord, supervisord), (Format::Procfile, "web: ./run\n# x\n")];
        for (format, text) in all {
            assert_eq!(Format::guess(text), Some(format));
            assert!(format.refuse_other(text, "f").is_ok());
            for (other, _) in all.iter().filter(|(other, _)| *other != format) {
                let failure = other.refuse_other(text, "f").unwrap_err();
                assert_eq!(failure.hints, [format!("anet import {} f", format.word())]);
            }
        }
        assert_eq!(Format::guess("module.exports = { apps: [] }"), None);
    }
}
