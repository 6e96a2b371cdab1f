//! Reading typed values out of rows. A value of no meaning is a fault, never a default.

use anet_protocol::time::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

fn meaningless(column: &str, value: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: format!("`{value}` has no meaning here").into() }
}

/// An id or other text.
pub(super) fn text<T: From<String>>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error> {
    Ok(row.try_get::<String, _>(column)?.into())
}

/// An id or other text that may be absent.
pub(super) fn optional_text<T: From<String>>(row: &SqliteRow, column: &str) -> Result<Option<T>, sqlx::Error> {
    Ok(row.try_get::<Option<String>, _>(column)?.map(Into::into))
}

pub(super) fn time(row: &SqliteRow, column: &str) -> Result<Timestamp, sqlx::Error> {
    Ok(Timestamp::from_millis(row.try_get(column)?))
}

pub(super) fn optional_time(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
}

/// A number that is never negative.
pub(super) fn number<T: TryFrom<i64>>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error> {
    let value: i64 = row.try_get(column)?;
    T::try_from(value).map_err(|_| meaningless(column, &value.to_string()))
}

/// A word of a closed set.
pub(super) fn word<T>(row: &SqliteRow, column: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, sqlx::Error> {
    let word: String = row.try_get(column)?;
    parse(&word).ok_or_else(|| meaningless(column, &word))
}

/// A word of a closed set that may be absent.
pub(super) fn optional_word<T>(
    row: &SqliteRow,
    column: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, sqlx::Error> {
    let word: Option<String> = row.try_get(column)?;
    word.map(|word| parse(&word).ok_or_else(|| meaningless(column, &word))).transpose()
}

/// A value kept as JSON.
pub(super) fn json<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| meaningless(column, &error.to_string()))
}

/// A value kept as JSON that may be absent.
pub(super) fn optional_json<T: serde::de::DeserializeOwned>(
    row: &SqliteRow,
    column: &str,
) -> Result<Option<T>, sqlx::Error> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| meaningless(column, &error.to_string()))).transpose()
}

/// A value that the database cannot hold as it is.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// A number that may be absent.
pub(super) fn optional_number<T: TryFrom<i64>>(row: &SqliteRow, column: &str) -> Result<Option<T>, sqlx::Error> {
    let value: Option<i64> = row.try_get(column)?;
    value.map(|value| T::try_from(value).map_err(|_| meaningless(column, &value.to_string()))).transpose()
}
