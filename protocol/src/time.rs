//! Points in time as the wire and the database know them.

use std::fmt;
use std::time::Duration;

use jiff::fmt::StdFmtWrite;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text form on the wire: UTC, no zone marker, one-second resolution.
const WIRE_FORMAT: &str = "%Y-%m-%d %H:%M:%S";
/// Writes [`WIRE_FORMAT`]. The state of a hundred nodes has thousands of times, and `strftime` took a third of its writing.
static WIRE: DateTimePrinter = DateTimePrinter::new().separator(b' ').precision(Some(0));
/// Writes RFC 3339 with milliseconds.
static RFC_3339: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// Milliseconds since the Unix epoch, UTC.
///
/// On the wire it is upstream's text `YYYY-MM-DD HH:MM:SS` (commhub-http §0), which drops the
/// milliseconds; in the database it is the integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is not a point in time.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a time of the form YYYY-MM-DD HH:MM:SS or RFC 3339")]
pub struct TimestampError {
    text: String,
}

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This time moved by `seconds`, which may be negative.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// This time moved into the future.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This time moved into the past.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Milliseconds from `earlier` to this time; negative when `earlier` is later.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 with milliseconds, as logs have it: `2026-11-22T05:43:55.417Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => RFC_3339.timestamp_to_string(&instant),
            Err(_) => format!("{}ms", self.0),
        }
    }

    /// Reads the wire form, or RFC 3339 as older clients send it in `since`.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let error = || TimestampError { text: text.to_owned() };
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(instant.as_millisecond()));
        }
        let civil = jiff::civil::DateTime::strptime(WIRE_FORMAT, text).map_err(|_| error())?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| error())?;
        Ok(Self(zoned.timestamp().as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => {
                let civil = jiff::tz::Offset::UTC.to_datetime(instant);
                WIRE.print_datetime(&civil, StdFmtWrite(&mut *formatter)).map_err(|_| fmt::Error)
            }
            Err(_) => write!(formatter, "{}ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("UTC, `YYYY-MM-DD HH:MM:SS`"))
            .examples([serde_json::json!("2026-11-22 05:43:55")])
            .into()
    }
}

impl utoipa::ToSchema for Timestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_utc_text_without_a_zone() {
        let time = Timestamp::from_millis(1_795_326_235_417);
        assert_eq!(time.to_string(), "2026-11-22 05:43:55");
        assert_eq!(Timestamp::parse("2026-11-22 05:43:55").unwrap().as_millis(), 1_795_326_235_000);
    }

    #[test]
    fn both_forms_have_every_place_at_every_time() {
        for millis in [0, 999, -1, 951_826_554_001, 1_795_326_235_417, 253_370_764_799_990, -62_135_596_800_000] {
            let (time, instant) = (Timestamp::from_millis(millis), jiff::Timestamp::from_millisecond(millis).unwrap());
            assert_eq!(time.to_string(), instant.strftime(WIRE_FORMAT).to_string());
            assert_eq!(time.to_rfc3339(), instant.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
        }
    }

    #[test]
    fn rfc_3339_and_the_wire_form_name_the_same_instant() {
        let wire = Timestamp::parse("2026-11-22 05:43:55").unwrap();
        assert_eq!(Timestamp::parse("2026-11-22T05:43:55Z").unwrap(), wire);
        assert_eq!(Timestamp::parse("2026-11-22T06:43:55+01:00").unwrap(), wire);
        assert!(Timestamp::parse("yesterday").is_err());
        let time = Timestamp::from_millis(1_795_326_235_400);
        assert_eq!(time.to_rfc3339(), "2026-11-22T05:43:55.400Z");
        assert_eq!(Timestamp::parse(&time.to_rfc3339()).unwrap(), time);
    }
}
