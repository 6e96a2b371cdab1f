//! `name: command` lines, as foreman, honcho and overmind read them.

use std::path::Path;

use super::{Found, program};
use crate::failure::Failure;

/// Characters that only a shell understands.
const SHELL: &[char] = &['|', '&', ';', '<', '>', '(', ')', '$', '`', '*', '?', '~', '#'];

/// Reads the file; programs run in `here`.
///
/// # Errors
/// Names the line that cannot be read.
pub(super) fn read(text: &str, here: &Path) -> Result<Found, Failure> {
    let mut found = Found::default();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |what: &str| Failure::message(format!("line {}: {what}", index + 1));
        let (name, command) = line.split_once(':').ok_or_else(|| wrong("it is not `name: command`"))?;
        let (name, command) = (name.trim(), command.trim());
        let first = command.split_whitespace().next().ok_or_else(|| wrong("it names no command"))?;
        let needs_shell = command.contains(SHELL) || first.contains('=');
        let arguments = if needs_shell {
            found.leave_out(name, "command", "it uses the shell, so it is run by `sh -c`; a stop reaches both");
            vec!["sh".to_owned(), "-c".to_owned(), command.to_owned()]
        } else {
            shlex::split(command).ok_or_else(|| wrong("a quotation does not end"))?
        };
        found.programs.push(program(name.to_owned(), arguments, here.to_owned(), Vec::new()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_program_and_a_shell_is_used_only_where_it_is_needed() {
        let text =
            "# a comment\nweb: bundle exec 'puma -C' config.rb\n\nworker: RAILS_ENV=production rake jobs | tee log\n";
        let found = read(text, Path::new("/app")).unwrap();
        let commands: Vec<_> = found.programs.iter().map(|program| program.command.join("|")).collect();
        assert_eq!(commands, ["bundle|exec|puma -C|config.rb", "sh|-c|RAILS_ENV=production rake jobs | tee log"]);
        assert_eq!((found.untranslated.len(), found.untranslated[0].program.as_str()), (1, "worker"));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        for (text, line) in [("web: a\nnonsense", "line 2"), ("web:", "line 1"), ("web: 'open", "line 1")] {
            let failure = read(text, Path::new("/app")).unwrap_err();
            assert!(format!("{:#}", failure.error).contains(line), "{text}");
        }
    }
}
