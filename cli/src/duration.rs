//! Lengths of time as people type them.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// Reads `90s`, `5m`, `1h30m`, `30d` or `2w`; a bare number is seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    parse_with_unit(text)
}

/// The same where a bare number would be misread. A day is 24 hours, a week 7 days; months and years have no length.
pub(crate) fn parse_with_unit(text: &str) -> Result<Duration, String> {
    let unknown = |_| "use a time such as 90s, 5m, 12h, 30d or 2w".to_owned();
    let span: Span = text.parse().map_err(unknown)?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(unknown)?;
    Duration::try_from(length).map_err(|_| "a time cannot be negative".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(parse("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(parse("2w"), Ok(Duration::from_secs(14 * 86_400)));
        assert_eq!(parse("1w 2d 12h"), Ok(Duration::from_secs(9 * 86_400 + 43_200)));
    }

    #[test]
    fn what_has_no_length_is_refused() {
        for text in ["", "soon", "-5s", "1mo", "1y", "d", "99999999999999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse_with_unit("30").is_err(), "30 of what?");
    }
}
