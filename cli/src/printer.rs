//! The one place that writes to the terminal: data to stdout, everything else to stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::failure::Failure;

/// How a command speaks, decided once from `--json`, the terminal and `NO_COLOR`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    /// Data as one JSON document instead of text.
    pub json: bool,
    /// Columns of the terminal; `None` when stdout is not one, so that pipes get whole lines.
    width: Option<u16>,
}

const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

impl Printer {
    /// For this process's stdout; `columns` is the value of `COLUMNS`.
    pub(crate) fn new(json: bool, columns: Option<u16>) -> Self {
        let width = io::stdout().is_terminal().then(|| columns.or_else(terminal_width)).flatten();
        Self { json, width }
    }

    /// A line of data: as it is into a pipe, with control characters made visible on a terminal, which
    /// an agent's answer must not drive.
    pub(crate) fn data(&self, line: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        if stdout.is_terminal() {
            writeln!(stdout, "{}", visible(line))?;
        } else {
            writeln!(stdout, "{line}")?;
        }
        stdout.flush()
    }

    /// An empty terminal for a list that is shown again; into a pipe lists follow each other.
    pub(crate) fn clear(&self) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        if !self.json && stdout.is_terminal() {
            write!(stdout, "\x1b[H\x1b[2J")?;
            stdout.flush()?;
        }
        Ok(())
    }

    /// A document of data, in full, for programs.
    pub(crate) fn document(&self, document: &impl Serialize) -> Result<(), Failure> {
        Ok(self.data(&serde_json::to_string_pretty(document)?)?)
    }

    /// Data in the form asked for: the document with `--json`, else the text.
    pub(crate) fn either(&self, document: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.json {
            return self.document(document);
        }
        let text = text();
        if !text.is_empty() {
            self.data(&text)?;
        }
        Ok(())
    }

    /// A line about what was observed or done.
    pub(crate) fn note(&self, line: &str) -> io::Result<()> {
        writeln!(anstream::stderr(), "{line}")
    }

    /// Something to mind.
    pub(crate) fn warning(&self, line: &str) -> io::Result<()> {
        writeln!(anstream::stderr(), "{YELLOW}warning:{YELLOW:#} {line}")
    }

    /// Advice.
    pub(crate) fn hint(&self, line: &str) -> io::Result<()> {
        writeln!(anstream::stderr(), "{CYAN}hint:{CYAN:#} {line}")
    }

    /// A failure, as text or as one JSON document, to stderr.
    pub(crate) fn failure(&self, failure: &Failure) -> io::Result<()> {
        if self.json {
            let document = serde_json::json!({
                "ok": false,
                "error": format!("{:#}", failure.error),
                "code": failure.code,
                "hints": failure.hints,
            });
            return writeln!(anstream::stderr(), "{document}");
        }
        writeln!(anstream::stderr(), "{RED}error:{RED:#} {:#}", failure.error)?;
        failure.hints.iter().try_for_each(|hint| self.hint(hint))
    }

    /// A table that fits the terminal; without a terminal, lines are as long as they need to be.
    pub(crate) fn table<const N: usize>(
        &self,
        header: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> String {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING).set_header(header);
        match self.width {
            Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        for row in rows {
            table.add_row(row);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }
}

/// The text with every control character but line breaks and tabs written as an escape.
fn visible(text: &str) -> Cow<'_, str> {
    let is_active = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(is_active) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if is_active(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// The first line of `text`, at most `characters` long, for a table cell.
pub(crate) fn head(text: &str, characters: usize) -> String {
    let line: String = text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    if line.chars().count() <= characters && text.lines().count() <= 1 {
        return line;
    }
    let kept: String = line.chars().take(characters.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A fact for a table cell, or a dash where there is none.
pub(crate) fn or_dash(fact: Option<&impl ToString>) -> String {
    fact.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// Asks the terminal behind stdout for its width.
fn terminal_width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_line_without_control_characters() {
        assert_eq!(head("short", 10), "short");
        assert_eq!(head("two\nlines", 10), "two…");
        assert_eq!(head("\u{1b}[31mred", 10), "[31mred");
        assert_eq!(head("abcdefghijkl", 5), "abcd…");
    }

    #[test]
    fn an_answer_cannot_drive_the_terminal() {
        assert_eq!(visible("\u{1b}]0;title\u{7}\ttab\nline"), "\\u{1b}]0;title\\u{7}\ttab\nline");
        assert_eq!(visible("plain äöü 中"), "plain äöü 中");
    }

    #[test]
    fn a_table_in_a_pipe_keeps_long_cells_whole() {
        let printer = Printer { json: false, width: None };
        let long = "x".repeat(300);
        let table = printer.table(["NAME", "TEXT"], [["a".to_owned(), long.clone()]]);
        assert!(table.contains(&long), "{table}");
    }

    #[test]
    fn a_table_fits_a_narrow_terminal() {
        let printer = Printer { json: false, width: Some(40) };
        let table = printer.table(["NAME", "TEXT"], [["a".to_owned(), "word ".repeat(60)]]);
        assert!(table.lines().all(|line| line.chars().count() <= 40), "{table}");
    }
}
