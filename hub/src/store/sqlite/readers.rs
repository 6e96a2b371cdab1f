//! The connections that read. sqlx's own pool asks a connection whether it is alive at every return, which costs as
//! much as a question; a connection to a file in this process does not die by itself.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::{StoreError, StoreResult};

/// Up to a number of connections, opened when they are needed.
pub(super) struct Readers {
    options: SqliteConnectOptions,
    /// How long a question waits for a connection.
    patience: Duration,
    most: u32,
    free: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<SqliteConnection>>>,
}

impl Readers {
    pub(super) fn new(options: SqliteConnectOptions, most: u32, patience: Duration) -> Self {
        let free = Arc::new(Semaphore::new(most as usize));
        Self { options, patience, most, free, idle: Arc::default() }
    }

    pub(super) async fn acquire(&self) -> StoreResult<Loan> {
        let unavailable = |source: &str| StoreError::Unavailable { source: source.into() };
        let permit = tokio::time::timeout(self.patience, Arc::clone(&self.free).acquire_owned())
            .await
            .map_err(|_| unavailable("every reading connection is in use"))?
            .map_err(|_| unavailable("the database is closed"))?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await?,
        };
        Ok(Loan { connection: Some(connection), idle: Arc::clone(&self.idle), _permit: permit })
    }

    /// Waits for the questions under way and lets go of the database.
    pub(super) async fn close(&self) {
        // Fails when it is closed already.
        if let Ok(_all) = self.free.acquire_many(self.most).await {
            self.free.close();
            let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
            for connection in idle {
                if let Err(error) = connection.close().await {
                    tracing::warn!(%error, "a reading connection was not closed cleanly");
                }
            }
        }
    }
}

/// A connection that goes back when it is dropped.
pub(super) struct Loan {
    /// `None` only while it is dropped.
    connection: Option<SqliteConnection>,
    idle: Arc<Mutex<Vec<SqliteConnection>>>,
    /// Given back after the connection.
    _permit: OwnedSemaphorePermit,
}

impl Deref for Loan {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("it is there until the loan is dropped")
    }
}

impl DerefMut for Loan {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("it is there until the loan is dropped")
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.connection.take());
    }
}
