//! The embedded engine: one file, one writing connection, a pool of reading ones.

mod accounts;
mod audit;
mod decode;
mod events;
mod filter;
mod guessing;
mod integrity;
mod lock;
mod messages;
mod networks;
mod nodes;
mod readers;
mod renames;
mod session;
mod tasks;
mod tokens;
mod writer;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

pub(crate) use self::integrity::Inspection;
use self::lock::DatabaseLock;
use self::readers::Readers;
use self::session::Session;
use self::writer::Writer;
use super::{Job, Reads, Store, StoreError, StoreHolder, StoreResult};
use crate::error::HubError;
use crate::events::Effect;
use crate::settings::{Durability, Settings};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/store/migrations/sqlite");

/// The write-ahead log is cut back to this after a checkpoint.
const WAL_BYTES: u32 = 64 * 1024 * 1024;

/// A page of rows ends early once their texts exceed this, so that no answer is boundless.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// A hub's SQLite database.
pub(crate) struct SqliteStore {
    writer: Writer,
    readers: Readers,
    /// Held for as long as the store lives.
    _lock: Option<DatabaseLock>,
}

impl SqliteStore {
    /// Opens or creates the database and brings its schema up to date. `publish` gets the effects of every
    /// commit, in the order of the commits.
    pub(crate) async fn open(
        settings: &Settings,
        holder: StoreHolder,
        publish: Arc<dyn Fn(Vec<Effect>) + Send + Sync>,
    ) -> Result<Self, HubError> {
        let lock = match holder {
            StoreHolder::Alone => {
                prepare_files(&settings.database)?;
                Some(DatabaseLock::acquire(&settings.database)?)
            }
            StoreHolder::Beside if !settings.database.exists() => {
                return Err(HubError::NoDatabase(settings.database.clone()));
            }
            // The hub that runs has brought the schema up to date; if none runs, that is done here.
            StoreHolder::Beside => match DatabaseLock::acquire(&settings.database) {
                Ok(lock) => Some(lock),
                Err(HubError::DatabaseInUse { .. }) => None,
                Err(error) => return Err(error),
            },
        };
        let options = SqliteConnectOptions::new()
            .filename(&settings.database)
            .foreign_keys(true)
            .busy_timeout(settings.busy_timeout)
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let writing = options
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match settings.durability {
                Durability::Full => SqliteSynchronous::Full,
                Durability::Normal => SqliteSynchronous::Normal,
            })
            .pragma("journal_size_limit", WAL_BYTES.to_string());
        let mut connection = SqliteConnection::connect_with(&writing).await.map_err(StoreError::from)?;
        // `run` has a future that is not `Send` in the compiler's eyes; this is what it calls.
        if lock.is_some() {
            MIGRATIONS
                .run_direct(None, &mut connection, false)
                .await
                .map_err(|error| StoreError::Fault { source: error.into() })?;
            for guard in audit::GUARDS {
                sqlx::query(guard).execute(&mut connection).await.map_err(StoreError::from)?;
            }
        }
        let readers = Readers::new(options.read_only(true), settings.readers, settings.busy_timeout);
        let writer = Writer::start(connection, publish)?;
        Ok(Self { writer, readers, _lock: lock })
    }
}

/// Creates the directory and the file with modes that keep others out; the log files inherit the file's.
fn prepare_files(database: &Path) -> Result<(), HubError> {
    let failed = |doing| {
        let path = database.to_owned();
        move |source: io::Error| HubError::File { doing, path, source }
    };
    if let Some(directory) = database.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed("create the directory of"))?;
    }
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(database)
        .map_err(failed("create"))?;
    let mode = file.metadata().map_err(failed("inspect"))?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(database, fs::Permissions::from_mode(0o600)).map_err(failed("protect"))?;
    }
    Ok(())
}

#[async_trait]
impl Store for SqliteStore {
    fn submit(&self, job: Job) -> Result<(), Job> {
        self.writer.submit(job)
    }

    async fn reader(&self) -> StoreResult<Box<dyn Reads>> {
        Ok(Box::new(Session::new(self.readers.acquire().await?)))
    }

    async fn writer_ended(&self) {
        self.writer.ended().await;
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let unavailable = match &error {
            sqlx::Error::Database(database) => {
                database.code().and_then(|code| code.parse().ok()).is_some_and(is_passing)
            }
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
            _ => false,
        };
        if unavailable { Self::Unavailable { source: error.into() } } else { Self::Fault { source: error.into() } }
    }
}

/// Whether an SQLite result code (<https://sqlite.org/rescode.html>) tells of the surroundings, not of a fault.
fn is_passing(extended_code: u32) -> bool {
    // BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN; the low byte is the primary code.
    matches!(extended_code & 0xff, 5 | 6 | 7 | 8 | 10 | 13 | 14)
}
