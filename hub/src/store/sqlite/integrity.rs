//! Whether a database is whole, found out without writing to it.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::session::Session;
use crate::store::{Reads, StoreResult};

/// How long a busy database is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most problems that are told.
const MOST: usize = 100;

/// A database opened for looking at it, beside a hub that may be running.
pub(crate) struct Inspection {
    connection: SqliteConnection,
}

impl Inspection {
    /// Opens a database that exists.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) async fn open(database: &Path) -> StoreResult<Self> {
        let options = SqliteConnectOptions::new().filename(database).read_only(true).busy_timeout(PATIENCE);
        let connection = SqliteConnection::connect_with(&options.disable_statement_logging()).await?;
        Ok(Self { connection })
    }

    /// What SQLite finds wrong: damaged pages and indexes, and rows that refer to rows that are gone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn damages(&mut self) -> StoreResult<Vec<String>> {
        let pages = sqlx::query("PRAGMA quick_check(100)").fetch_all(&mut self.connection).await?;
        let pages = pages.iter().map(|row| row.try_get::<String, _>(0)).collect::<Result<Vec<_>, _>>()?;
        let mut damages: Vec<String> = pages.into_iter().filter(|line| line != "ok").collect();
        let orphans = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut self.connection).await?;
        for row in orphans.iter().take(MOST) {
            damages.push(describe_orphan(row)?);
        }
        Ok(damages)
    }

    /// For the operations that read.
    pub(crate) fn into_reads(self) -> Box<dyn Reads> {
        Box::new(Session::new(Box::new(self.connection)))
    }
}

fn describe_orphan(row: &SqliteRow) -> StoreResult<String> {
    let (table, parent): (String, String) = (row.try_get(0)?, row.try_get(2)?);
    let id: Option<i64> = row.try_get(1)?;
    let id = id.map_or_else(|| "a row".to_owned(), |id| format!("row {id}"));
    Ok(format!("{id} of {table} refers to a row of {parent} that is gone"))
}
