//! What stands at a path where a file of this user's should be.

use std::path::Path;

use crate::private_file;

/// What stands at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OwnFile {
    /// Nothing.
    Absent,
    /// A file of this user's.
    Text(String),
    /// Something that is not read: a link, a pipe, somebody else's, too large.
    Refused(FileProblem),
}

/// Why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileProblem {
    /// What it is.
    pub(super) seen: String,
    /// What mends it, or shows more of it.
    pub(super) command: String,
}

/// The command that opens a file in the person's editor.
pub(super) fn edit(path: &Path) -> String {
    format!("${{EDITOR:-vi}} {}", shell_word(path))
}

/// A path as one word of a shell.
pub(super) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-+:@%".contains(character);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Reads a file of this user's own.
pub(super) fn read(path: &Path) -> OwnFile {
    match private_file::read_own(path) {
        Ok(None) => OwnFile::Absent,
        Ok(Some(text)) => OwnFile::Text(text),
        Err(error) => {
            let command = format!("ls -l {}", shell_word(path));
            OwnFile::Refused(FileProblem { seen: error.reason, command })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell_whatever_its_name_is() {
        assert_eq!(edit(Path::new("/home/ada/.anet/config.json")), "${EDITOR:-vi} /home/ada/.anet/config.json");
        assert_eq!(shell_word(Path::new("/my project/it's")), r"'/my project/it'\''s'");
    }
}
