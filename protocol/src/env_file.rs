//! The grammar of a node's `.env` file, published in `vectors/env_file.json`.
//!
//! ```text
//! # a comment, alone on its line
//! NAME=value to the end of the line: # and $ and quotes " inside are part of it
//! export NAME='literal, on one line'
//! NAME="escapes \" \\ \$ \n, and may go over
//! several lines"   # a comment may follow a closing quote
//! ```
//!
//! Nothing is ever expanded and no command is run. A quoted text may be continued by
//! another one or by an escaped character, as shells print it: `'it'\''s'`.
//! The same name again replaces the value. Errors tell the line, never its content.

use std::ops::Range;

const UNCLOSED: &str = "the quote opened here is never closed";
const TEXT_AFTER_QUOTE: &str = "only a comment may follow the closing quote, after a blank";
const UNKNOWN_ESCAPE: &str = r#"unknown escape; the known ones are \\ \" \' \$ \n and backslash-blank"#;

/// A line that the grammar does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct EnvFileError {
    /// Number of the line, counted from 1.
    pub line: usize,
    /// What is wrong with it. A fixed text, so that it cannot repeat a secret.
    pub message: &'static str,
}

/// Why a variable cannot be written into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvFileEditError {
    /// The file as it is cannot be read, so it cannot be rewritten safely.
    #[error(transparent)]
    File(#[from] EnvFileError),
    /// The name is no environment variable's name.
    #[error("a variable's name has letters, digits and _ only and does not begin with a digit")]
    Name,
    /// The value holds a NUL character, which no environment can carry.
    #[error("a variable's value cannot hold a NUL character")]
    Nul,
}

/// Reads the variables of a file, in the order of their first appearance.
/// A name that occurs again has its last value.
///
/// # Errors
/// [`EnvFileError`] names the first line that breaks the grammar.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, EnvFileError> {
    let mut variables: Vec<(String, String)> = Vec::new();
    for entry in scan(text)? {
        match variables.iter_mut().find(|(key, _)| *key == entry.key) {
            Some((_, value)) => *value = entry.value,
            None => variables.push((entry.key, entry.value)),
        }
    }
    Ok(variables)
}

/// Gives `key` a new value in `text` and leaves every other line as it is.
///
/// The new line stands where the first old one stood, or at the end. Further lines of
/// the same key are taken out, so that no old secret stays behind.
///
/// # Errors
/// [`EnvFileEditError`] when the file, the name or the value cannot be written.
pub fn set(text: &str, key: &str, value: &str) -> Result<String, EnvFileEditError> {
    if !is_name(key) {
        return Err(EnvFileEditError::Name);
    }
    if value.contains('\0') {
        return Err(EnvFileEditError::Nul);
    }
    let assignment = format!("{key}={}", quote(value));
    let entries = entries_of(text, key)?;
    let Some(first) = entries.first() else {
        let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Ok(format!("{text}{separator}{assignment}\n"));
    };
    let old = &text[first.span.clone()];
    let export = if first.exported { "export " } else { "" };
    let line_end = ["\r\n", "\n"].into_iter().find(|end| old.ends_with(end)).unwrap_or("");
    Ok(replace(text, &entries, &format!("{export}{assignment}{line_end}")))
}

/// Takes every line of `key` out of `text` and leaves the others as they are.
///
/// # Errors
/// [`EnvFileError`] names the first line that breaks the grammar.
pub fn unset(text: &str, key: &str) -> Result<String, EnvFileError> {
    Ok(replace(text, &entries_of(text, key)?, ""))
}

/// One assignment and the bytes it stands on, with its line end.
struct Entry {
    key: String,
    value: String,
    exported: bool,
    span: Range<usize>,
}

fn entries_of(text: &str, key: &str) -> Result<Vec<Entry>, EnvFileError> {
    Ok(scan(text)?.into_iter().filter(|entry| entry.key == key).collect())
}

/// Puts `replacement` in the place of the first entry and takes the others out.
fn replace(text: &str, entries: &[Entry], replacement: &str) -> String {
    let mut rewritten = String::with_capacity(text.len() + replacement.len());
    let mut kept_to = 0;
    for (index, entry) in entries.iter().enumerate() {
        rewritten += &text[kept_to..entry.span.start];
        if index == 0 {
            rewritten += replacement;
        }
        kept_to = entry.span.end;
    }
    rewritten += &text[kept_to..];
    rewritten
}

fn scan(text: &str) -> Result<Vec<Entry>, EnvFileError> {
    if let Some(position) = text.find('\0') {
        return Err(EnvFileError {
            line: line_breaks(&text[..position]) + 1,
            message: "a NUL character is not allowed",
        });
    }
    let mut entries = Vec::new();
    let mut line = 1;
    // Editors of some systems put a byte order mark in front.
    let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while start < text.len() {
        let line_end = line_end(text, start);
        let content = &text[start..line_end];
        let mut end = line_end;
        if !content.trim().is_empty() && !content.trim_start().starts_with('#') {
            let wrong = |message| EnvFileError { line, message };
            let (name, rest) = content.split_once('=').ok_or(wrong("there is no `=` after the name"))?;
            let (key, exported) = match name.trim().split_once(char::is_whitespace) {
                Some(("export", key)) => (key.trim_start(), true),
                _ => (name.trim(), false),
            };
            if !is_name(key) {
                return Err(wrong("the name before `=` must be letters, digits and _, not beginning with a digit"));
            }
            let value = if rest.trim_start().starts_with(['\'', '"']) {
                let value_start = line_end - rest.trim_start().len();
                let (value, length) = quoted(&text[value_start..], line)?;
                end = value_start + length;
                value
            } else {
                rest.trim().to_owned()
            };
            entries.push(Entry { key: key.to_owned(), value, exported, span: start..end });
        }
        line += line_breaks(&text[start..end]);
        start = end;
    }
    Ok(entries)
}

/// Which quote the scanner stands in.
#[derive(Clone, Copy)]
enum Quote {
    None,
    Single,
    Double,
}

/// Reads a quoted value from the start of `text`; gives the value and the length up to the
/// end of its last line.
fn quoted(text: &str, first_line: usize) -> Result<(String, usize), EnvFileError> {
    let wrong = |at: usize, message| EnvFileError { line: first_line + line_breaks(&text[..at]), message };
    // The value as one double-quoted text in which nothing is left that dotenvy would expand.
    let mut body = String::new();
    let mut quote = Quote::None;
    let mut opened = 0;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Quote::None, '\'') => (quote, opened) = (Quote::Single, at),
            (Quote::None, '"') => (quote, opened) = (Quote::Double, at),
            (Quote::Single, '\'') | (Quote::Double, '"') => quote = Quote::None,
            (Quote::None | Quote::Double, '\\') => match characters.next() {
                Some((_, escaped @ ('\\' | '"' | '\'' | '$' | 'n' | ' '))) => body.extend(['\\', escaped]),
                _ => return Err(wrong(at, UNKNOWN_ESCAPE)),
            },
            (Quote::None, blank) if blank.is_whitespace() => {
                let end = line_end(text, at);
                let tail = text[at..end].trim();
                if tail.is_empty() || tail.starts_with('#') {
                    return Ok((unescape(&body).ok_or(wrong(0, UNKNOWN_ESCAPE))?, end));
                }
                return Err(wrong(at, TEXT_AFTER_QUOTE));
            }
            (Quote::None, _) => return Err(wrong(at, TEXT_AFTER_QUOTE)),
            (Quote::Single, '\n') => return Err(wrong(opened, UNCLOSED)),
            (Quote::Single, '\\' | '"') | (_, '$') => body.extend(['\\', character]),
            (Quote::Single | Quote::Double, _) => body.push(character),
        }
    }
    match quote {
        Quote::None => Ok((unescape(&body).ok_or(wrong(0, UNKNOWN_ESCAPE))?, text.len())),
        Quote::Single | Quote::Double => Err(wrong(opened, UNCLOSED)),
    }
}

/// Lets dotenvy resolve the escapes of one double-quoted text. Its error is dropped
/// because it repeats the value.
fn unescape(body: &str) -> Option<String> {
    let line = format!("VALUE=\"{body}\"");
    let (_, value) = dotenvy::from_read_iter(line.as_bytes()).next()?.ok()?;
    Some(value)
}

/// Writes a value so that [`parse`] reads it back; plain whenever that is possible, since
/// the older TypeScript tools read plain values only.
fn quote(value: &str) -> String {
    let is_plain = value.trim() == value && !value.starts_with(['\'', '"']) && !value.contains(['\n', '\r']);
    if is_plain {
        return value.to_owned();
    }
    if !value.contains(['\'', '\n']) {
        return format!("'{value}'");
    }
    let mut quoted = String::from("\"");
    for character in value.chars() {
        match character {
            '\n' => quoted.push_str("\\n"),
            '\\' | '"' | '$' => quoted.extend(['\\', character]),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether `text` is a name that the grammar takes.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Where the line that holds `position` ends, its line break included.
fn line_end(text: &str, position: usize) -> usize {
    text[position..].find('\n').map_or(text.len(), |offset| position + offset + 1)
}

fn line_breaks(text: &str) -> usize {
    text.matches('\n').count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const SECRET: &str = "sk-do-not-tell";

    fn pairs(variables: &[(&str, &str)]) -> Vec<(String, String)> {
        variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_published_vector_holds() {
        let vectors: Vec<Value> = serde_json::from_str(include_str!("../vectors/env_file.json")).unwrap();
        assert!(vectors.len() >= 120, "R40");
        for vector in vectors {
            let name = vector["name"].as_str().unwrap();
            let result = parse(vector["text"].as_str().unwrap());
            if let Some(line) = vector.get("error_line") {
                assert_eq!(result.map_err(|error| error.line as u64), Err(line.as_u64().unwrap()), "{name}");
            } else {
                let expected: Vec<(String, String)> = serde_json::from_value(vector["variables"].clone()).unwrap();
                assert_eq!(result, Ok(expected), "{name}");
            }
        }
    }

    #[test]
    fn no_error_repeats_what_stands_in_the_file() {
        for text in [
            SECRET,
            &format!("{SECRET}=x"),
            &format!("A=\"{SECRET}"),
            &format!("A='{SECRET}\n'"),
            &format!("A=\"{SECRET}\\q\""),
            &format!("A='x' {SECRET}"),
            &format!("A='x'{SECRET}"),
            &format!("A={SECRET}\0"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("do-not"), "{text}");
        }
    }

    #[test]
    fn the_environment_of_the_process_is_never_mixed_in() {
        // PATH is set wherever tests run; an expansion would show it.
        for text in ["A=$PATH", "A=\"$PATH\"", "A='$PATH'", "A=\"a\"\\$PATH", "A=\"${PATH}\""] {
            if let Ok(variables) = parse(text) {
                assert!(variables[0].1.contains("PATH"), "{text}: {variables:?}");
            }
        }
    }

    #[test]
    fn setting_a_key_keeps_every_other_line_verbatim() {
        let text = "# head\n\nexport A=1\n  B = 2 \nC=\"x\ny\" # tail\n#A=9\n";
        assert_eq!(set(text, "A", "new").unwrap(), text.replace("A=1", "A=new"));
        assert_eq!(set(text, "B", "new").unwrap(), text.replace("  B = 2 ", "B=new"));
        assert_eq!(set(text, "C", "new").unwrap(), text.replace("C=\"x\ny\" # tail", "C=new"));
        assert_eq!(set(text, "D", "new").unwrap(), format!("{text}D=new\n"));
    }

    #[test]
    fn setting_a_key_leaves_no_old_value_behind() {
        let text = "A=old1\nB=2\nA=old2\nexport A='old3'\n";
        assert_eq!(set(text, "A", "new").unwrap(), "A=new\nB=2\n");
        assert_eq!(unset(text, "A").unwrap(), "B=2\n");
    }

    #[test]
    fn a_last_line_without_a_line_break_is_not_glued_to_the_next() {
        assert_eq!(set("A=1", "B", "2").unwrap(), "A=1\nB=2\n");
        assert_eq!(set("A=1", "A", "2").unwrap(), "A=2");
        assert_eq!(set("A=1\r\nB=2\r\n", "A", "3").unwrap(), "A=3\r\nB=2\r\n");
        assert_eq!(set("\u{feff}A=1\n", "A", "2").unwrap(), "\u{feff}A=2\n");
    }

    #[test]
    fn a_value_cannot_smuggle_in_another_variable() {
        for value in ["x\nEVIL=1", "x\r\nEVIL=1", "\"\nEVIL=1", "'\nEVIL=1\n'", "\\\"\nEVIL=1", "x\rEVIL=1"] {
            let text = set("GOOD=1\n", "A", value).unwrap();
            assert_eq!(parse(&text).unwrap(), pairs(&[("GOOD", "1"), ("A", value)]), "{text:?}");
        }
    }

    #[test]
    fn names_and_values_that_no_environment_can_hold_are_refused() {
        for name in ["", "1A", "A-B", "A=B", "A\nB", "é", "export A", " A"] {
            assert_eq!(set("", name, "x"), Err(EnvFileEditError::Name), "{name:?}");
        }
        assert_eq!(set("", "A", "x\0y"), Err(EnvFileEditError::Nul));
        assert!(matches!(set("bad line\n", "A", "x"), Err(EnvFileEditError::File(EnvFileError { line: 1, .. }))));
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof!["[^\\x00]{0,24}", "[ \t\r\n\\\\'\"$#=nabc\u{a0}]{0,12}"]
    }

    proptest! {
        #[test]
        fn whatever_is_set_is_read_back(values in prop::collection::vec(("[A-C]", value()), 0..8)) {
            let mut text = String::new();
            let mut expected: Vec<(String, String)> = Vec::new();
            for (key, value) in values {
                text = set(&text, &key, &value).unwrap();
                match expected.iter_mut().find(|(known, _)| *known == key) {
                    Some(known) => known.1 = value,
                    None => expected.push((key, value)),
                }
            }
            prop_assert_eq!(parse(&text).unwrap(), expected);
        }

        #[test]
        fn an_edit_of_any_readable_file_changes_one_variable_only(
            text in "([AB]=|export |#|'|\"|\\\\|\\$| |\n|\r|x){0,20}", new in value()
        ) {
            if let Ok(before) = parse(&text) {
                let after = parse(&set(&text, "A", &new).unwrap()).unwrap();
                prop_assert_eq!(&after.iter().find(|(key, _)| key == "A").unwrap().1, &new);
                let others = |all: &[(String, String)]| -> Vec<_> {
                    all.iter().filter(|(key, _)| key != "A").cloned().collect()
                };
                prop_assert_eq!(others(&after), others(&before));
                prop_assert_eq!(parse(&unset(&text, "A").unwrap()).unwrap(), others(&before));
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,60}") {
            let _ = parse(&text);
        }
    }
}
