//! The unit files, and how they were before, for an installation that fails on the way.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::files;

/// Files that were written, each with what stood there before.
#[derive(Debug)]
pub(super) struct UnitFiles {
    before: Vec<(PathBuf, Option<String>)>,
}

impl UnitFiles {
    /// Writes each file, or none.
    ///
    /// # Errors
    /// When one cannot be written.
    pub(super) fn write(directory: &Path, texts: &[(String, String)]) -> Result<Self, Failure> {
        let mut written = Self { before: Vec::new() };
        for (name, text) in texts {
            let path = directory.join(name);
            let outcome = files::read_optional(&path).map_err(Failure::from).and_then(|before| {
                files::write_public(&path, text)?;
                written.before.push((path, before));
                Ok(())
            });
            if let Err(failure) = outcome {
                return Err(match written.restore() {
                    Ok(()) => failure,
                    Err(also) => failure.hint(format!("{:#}", also.error)),
                });
            }
        }
        Ok(written)
    }

    /// Whether there was none of them before.
    pub(super) fn is_new(&self) -> bool {
        self.before.iter().all(|(_, before)| before.is_none())
    }

    /// Puts everything back as it was.
    ///
    /// # Errors
    /// Names the file that stays.
    pub(super) fn restore(&self) -> Result<(), Failure> {
        for (path, before) in &self.before {
            match before {
                Some(text) => files::write_public(path, text)?,
                None => std::fs::remove_file(path)
                    .map_err(|error| Failure::message(format!("cannot remove {}: {error}", path.display())))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_as_a_whole_is_not_written_at_all() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("a"), "old").unwrap();
        std::fs::create_dir(directory.path().join("c")).unwrap();
        let texts = ["a", "b", "c"].map(|name| (name.to_owned(), "new".to_owned()));
        assert!(UnitFiles::write(directory.path(), &texts).is_err());
        assert_eq!(std::fs::read_to_string(directory.path().join("a")).unwrap(), "old");
        assert!(!directory.path().join("b").exists());
        let written = UnitFiles::write(directory.path(), &texts[1..2]).unwrap();
        assert!(written.is_new() && directory.path().join("b").exists());
        written.restore().unwrap();
        assert!(!directory.path().join("b").exists());
    }
}
