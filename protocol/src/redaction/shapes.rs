//! The shapes by which a secret is recognised when its value is not known.

use std::ops::Range;

/// Prefixes of tokens and invitations: whatever token characters follow are secret.
const TOKEN_PREFIXES: [&str; 7] = ["utok_", "ntok_", "atok_", "rtok_", "rkey_", "tick_", "inv_"];

/// Prefixes of vendors' keys, the fewest characters that must follow, and whether one of
/// them must be a digit: the last two are beginnings of ordinary words.
const VENDOR_PREFIXES: [(&str, usize, bool); 13] = [
    ("sk-", 8, false),
    ("sk_", 8, false),
    ("gsk_", 8, false),
    ("xai-", 8, false),
    ("ghp_", 8, false),
    ("gho_", 8, false),
    ("ghs_", 8, false),
    ("github_pat_", 8, false),
    ("glpat-", 8, false),
    ("xoxb-", 8, false),
    ("xoxp-", 8, false),
    ("ak-", 16, true),
    ("key-", 16, true),
];

const SECRET_KEY_ENDINGS: [&str; 6] = ["token", "key", "secret", "password", "auth", "authorization"];

/// How many bytes at the beginning of `secret` say that it is a token or an invitation.
pub(super) fn token_prefix(secret: &[u8]) -> usize {
    TOKEN_PREFIXES.into_iter().find(|prefix| secret.starts_with(prefix.as_bytes())).map_or(0, str::len)
}

/// Adds the bytes to mask. They may overlap and are in no order.
pub(super) fn find(text: &str, spans: &mut Vec<Range<usize>>) {
    // Ends that are remembered, so that no line makes a run be walked again from each of its bytes.
    let mut token_end = 0;
    let mut word_end = 0;
    let bytes = text.as_bytes();
    // Every shape has one of these characters at a fixed place, so most bytes cost one comparison, and
    // the letter before it rules out nearly all of the others.
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'_' | b'-' if at >= token_end && may_end_prefix(&bytes[..at]) => {
                if let Some(span) = prefixed_at(text, at) {
                    token_end = span.end;
                    spans.push(span);
                }
            }
            b' ' | b'\t' if matches!(bytes[..at].last(), Some(b'r' | b'R')) => spans.extend(bearer_at(text, at)),
            b'=' if may_end_key(&bytes[..at]) => spans.extend(assigned_at(text, at, &mut word_end)),
            b':' => {
                if may_end_key(&bytes[..at]) {
                    spans.extend(assigned_at(text, at, &mut word_end));
                }
                spans.extend(url_password_at(text, at));
            }
            _ => {}
        }
    }
}

/// Whether `head` ends like one of the prefixes without its last character.
fn may_end_prefix(head: &[u8]) -> bool {
    matches!(
        head.last_chunk(),
        Some(b"ok" | b"ey" | b"ck" | b"nv" | b"sk" | b"ai" | b"hp" | b"ho" | b"hs" | b"at" | b"xb" | b"xp" | b"ak")
    )
}

/// Whether `head` ends like one of [`SECRET_KEY_ENDINGS`], or like what may stand between a key and its value.
fn may_end_key(head: &[u8]) -> bool {
    matches!(
        head.last().map(u8::to_ascii_lowercase),
        Some(b'n' | b'y' | b't' | b'd' | b'h' | b'"' | b'\'' | b'\\' | b' ' | b'\t')
    )
}

/// A token or vendor's key whose prefix ends at `at`.
fn prefixed_at(text: &str, at: usize) -> Option<Range<usize>> {
    let (head, tail) = text.split_at(at + 1);
    let (fewest, needs_digit) = TOKEN_PREFIXES
        .iter()
        // `inv_` alone is also the end of ordinary names.
        .find(|prefix| head.ends_with(**prefix) && (**prefix != "inv_" || stands_alone(head, prefix)))
        .map(|_| (1, false))
        .or_else(|| {
            VENDOR_PREFIXES
                .iter()
                .find(|(prefix, ..)| head.ends_with(prefix) && stands_alone(head, prefix))
                .map(|(_, fewest, needs_digit)| (*fewest, *needs_digit))
        })?;
    let length = tail.bytes().take_while(|byte| is_token_byte(*byte)).count();
    let is_secret = length >= fewest && (!needs_digit || tail.as_bytes()[..length].iter().any(u8::is_ascii_digit));
    is_secret.then(|| at + 1..at + 1 + length)
}

/// Whether the prefix at the end of `head` begins a word, as in `sk-` but not in `task-`.
fn stands_alone(head: &str, prefix: &str) -> bool {
    let before = &head.as_bytes()[..head.len() - prefix.len()];
    match before {
        // An escaped line break or tab, as in JSON, is no letter of the word.
        [.., b'\\', b'n' | b'r' | b't'] | [] => true,
        [.., last] => !is_token_byte(*last),
    }
}

/// The credentials after `Bearer` and the blank at `at`.
fn bearer_at(text: &str, at: usize) -> Option<Range<usize>> {
    const WORD: &[u8] = b"bearer";
    let word = text.as_bytes()[..at].last_chunk::<{ WORD.len() }>()?;
    if !word.eq_ignore_ascii_case(WORD) {
        return None;
    }
    let start = skip_blanks(text, at);
    let length = text[start..]
        .bytes()
        .take_while(|byte| is_token_byte(*byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'='))
        .count();
    (length > 0).then(|| start..start + length)
}

/// The password in `scheme://user:password@host`, where `at` is the colon of the scheme.
fn url_password_at(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = text[at..].strip_prefix("://")?;
    let start = text.len() - rest.len();
    let authority = rest.find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"')).unwrap_or(rest.len());
    let user_end = rest[..authority].rfind('@')?;
    let colon = rest[..user_end].find(':')?;
    (colon + 1 < user_end).then(|| start + colon + 1..start + user_end)
}

/// The value after the `=` or `:` at `at`, if the name before it is that of a secret.
/// `word_end` is where the word that was last looked at ends.
fn assigned_at(text: &str, at: usize, word_end: &mut usize) -> Option<Range<usize>> {
    let head = text[..at].trim_end_matches([' ', '\t']);
    let unquoted = head.trim_end_matches(['"', '\'']).trim_end_matches('\\');
    let name_length = unquoted.bytes().rev().take_while(|byte| is_token_byte(*byte) || *byte == b'.').count();
    let key = &unquoted.as_bytes()[unquoted.len() - name_length..];
    if !SECRET_KEY_ENDINGS.iter().any(|ending| ends_with_word(key, ending)) {
        return None;
    }

    let mut start = skip_blanks(text, at + 1);
    if text[start..].starts_with("Some(") {
        start += "Some(".len();
    }
    let escapes = text[start..].bytes().take_while(|byte| *byte == b'\\').count();
    let opening = text[start + escapes..].chars().next()?;
    if matches!(opening, '"' | '\'') {
        start += escapes + 1;
        let end = closing_quote(text, start, opening, escapes);
        return (start < end).then_some(start..end);
    }

    // In prose, `wrong token: …` has no secret behind it; `x-api-key: …` has.
    let is_named = unquoted.len() < head.len()
        || key.iter().any(|byte| matches!(byte, b'_' | b'-'))
        || ends_with_word(key, "password")
        || ends_with_word(key, "authorization");
    let is_other_operator = match text.as_bytes()[at] {
        b':' => !is_named || opening == ':',
        _ => text[start..].starts_with("= "),
    };
    if is_other_operator {
        return None;
    }
    if start >= *word_end {
        *word_end = end_of_word(text, start);
    }
    let mut end = *word_end;
    if ["bearer", "basic"].iter().any(|scheme| text[start..end].eq_ignore_ascii_case(scheme)) {
        end = end_of_word(text, skip_blanks(text, end));
    }
    (start < end).then_some(start..end)
}

/// Where the quoted text that begins at `start` ends. With `escapes` backslashes before the
/// opening quote there are as many before the closing one; a quote with more belongs to the value.
fn closing_quote(text: &str, start: usize, quote: char, escapes: usize) -> usize {
    let mut backslashes = 0;
    for (offset, character) in text[start..].char_indices() {
        if character == quote && backslashes <= escapes {
            return start + offset - backslashes;
        }
        backslashes = if character == '\\' { backslashes + 1 } else { 0 };
    }
    text.len()
}

fn ends_with_word(key: &[u8], word: &str) -> bool {
    key.len() >= word.len() && key[key.len() - word.len()..].eq_ignore_ascii_case(word.as_bytes())
}

fn end_of_word(text: &str, start: usize) -> usize {
    text[start..]
        .find(|c: char| c.is_whitespace() || matches!(c, '&' | ',' | '"' | '\''))
        .map_or(text.len(), |offset| start + offset)
}

fn skip_blanks(text: &str, from: usize) -> usize {
    text.len() - text[from..].trim_start_matches([' ', '\t']).len()
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::super::Redactor;
    use super::*;

    fn shown(text: &str) -> String {
        Redactor::default().redact(text).into_owned()
    }

    #[test]
    fn tokens_and_invitations_keep_only_their_prefix() {
        assert_eq!(shown("utok_abc, (ntok_ABC-9) atok_x inv_0123456789ab"), "utok_***, (ntok_***) atok_*** inv_***");
        assert_eq!(shown("xutok_abc"), "xutok_***");
    }

    #[test]
    fn no_prefix_and_no_key_is_ruled_out_by_its_last_letters() {
        for prefix in TOKEN_PREFIXES.into_iter().chain(VENDOR_PREFIXES.map(|(prefix, ..)| prefix)) {
            assert!(may_end_prefix(&prefix.as_bytes()[..prefix.len() - 1]), "{prefix}");
        }
        for key in SECRET_KEY_ENDINGS {
            assert!(may_end_key(key.as_bytes()) && may_end_key(key.to_uppercase().as_bytes()), "{key}");
        }
    }

    #[test]
    fn words_that_only_resemble_a_secret_are_kept() {
        for text in [
            "begin it with utok_, ntok_ or atok_",
            "env_inv_count",
            "task-0123456789abcdef",
            "risk-free-of-anything",
            "key-value-store-of-words",
            "sk-short",
            "max_tokens=4096",
            "the wrong token: ask for another",
            "author=me",
            "if key == other",
            "keyboard: qwertz",
            "at 12:30:05",
            "std::net::key::auth",
            "https://h:80/a@b",
            "primary key: id",
            "file:///key://x",
        ] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn vendor_keys_are_masked() {
        assert_eq!(shown("sk-ant-api03-abcdefgh"), "sk-***");
        assert_eq!(shown("use gsk_abcdefgh12 or 'ghp_abcdefgh12'"), "use gsk_*** or 'ghp_***'");
        assert_eq!(shown("key-0123456789abcdef01"), "key-***");
        assert_eq!(shown(r"error\nsk-abcdefgh1234"), r"error\nsk-***");
    }

    #[test]
    fn credentials_of_a_header_are_masked() {
        assert_eq!(shown("Bearer xyz"), "Bearer ***");
        assert_eq!(shown("authorization: bearer\t a.b-c/d+e="), "authorization: ***");
        assert_eq!(shown("Authorization: Basic dXNlcjpwYXNz"), "Authorization: ***");
        assert_eq!(shown("x-api-key: abc"), "x-api-key: ***");
        assert_eq!(shown("'Bearer abc', next"), "'Bearer ***', next");
    }

    #[test]
    fn assigned_secrets_are_masked() {
        assert_eq!(shown("OPENAI_API_KEY=abc B=c"), "OPENAI_API_KEY=*** B=c");
        assert_eq!(shown("https://h/?token=abc&alias=x"), "https://h/?token=***&alias=x");
        assert_eq!(shown("password: hunter2"), "password: ***");
        assert_eq!(shown("secret = \"two words\" # x"), "secret = \"***\" # x");
        assert_eq!(shown("A_KEY='it is' b"), "A_KEY='***' b");
    }

    #[test]
    fn json_members_are_masked() {
        assert_eq!(shown(r#"{"token":"a\"b c","n":1,"api_key" : "x"}"#), r#"{"token":"***","n":1,"api_key" : "***"}"#);
        assert_eq!(shown(r#""body":"{\"password\":\"a b\",\"n\":1}""#), r#""body":"{\"password\":\"***\",\"n\":1}""#);
        assert_eq!(shown(r#"{"token":"cut off here"#), r#"{"token":"***"#);
    }

    #[test]
    fn debug_output_is_masked() {
        assert_eq!(shown(r#"Login { token: Some("a b"), user: "u" }"#), r#"Login { token: Some("***"), user: "u" }"#);
    }

    #[test]
    fn passwords_in_urls_are_masked() {
        assert_eq!(shown("postgres://anet:p@ss:w0rd@db/anet"), "postgres://anet:***@db/anet");
        assert_eq!(shown("http://user@host:80/"), "http://user@host:80/");
    }

    #[test]
    fn no_line_makes_the_search_quadratic() {
        for piece in ["_", "-", "=", ":", "key=", "utok_", "key-", "sk-", "a_key:", "key='", "Bearer ", "://a:", "\\"] {
            let line = piece.repeat(300_000 / piece.len());
            // Walking each run once takes milliseconds; walking it from each byte would take minutes here.
            assert!(!shown(&line).is_empty());
        }
    }

    #[test]
    fn a_secret_assigned_inside_another_is_masked_too() {
        assert_eq!(shown("token=password=\"two words\" x"), "token=***\"***\" x");
        assert_eq!(shown("token=utok_abc_key=x, y"), "token=***, y");
    }

    #[test]
    fn empty_values_are_not_turned_into_secrets() {
        for text in ["token=", "token= ", r#"{"token":""}"#, "Bearer ", "Bearer"] {
            assert_eq!(shown(text), text);
        }
    }
}
