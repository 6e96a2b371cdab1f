//! One connection, and statements that travel together. sqlx runs every call on a thread of the connection's own, so
//! that a call costs two switches between threads, which is more than most statements do. Whatever nobody waits for is
//! therefore put off and sent ahead of the next statement that somebody does wait for, in one call.
//!
//! This rests on sqlx-sqlite taking several statements with values in one text. Its authors would rather it did not
//! (<https://github.com/launchbadge/sqlx/issues/3108>); should it stop, `put_off` has to send at once, and no other file
//! changes.

use std::ops::DerefMut;

use async_trait::async_trait;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Sqlite, Type};

use crate::events::Effect;
use crate::store::{AuditChain, Reads, StoreError, StoreResult, Transaction};

/// One connection, reading or writing.
pub(super) struct Session<C> {
    connection: C,
    /// What begins and ends transactions and savepoints, to be sent ahead of `waiting`.
    boundaries: String,
    /// What was put off.
    waiting: Batch,
    /// What is to happen after the commit.
    pub(super) effects: Vec<Effect>,
    /// The end of the audit log's chain, once this transaction has asked for it.
    pub(super) audit_head: Option<AuditChain>,
}

/// The session of the one writer.
pub(super) type WritingSession = Session<Box<SqliteConnection>>;

/// What holds a connection: a box, or a loan from the pool.
pub(super) trait Holder: DerefMut<Target = SqliteConnection> + Send {}
impl<C: DerefMut<Target = SqliteConnection> + Send> Holder for C {}

#[async_trait]
impl Transaction for WritingSession {
    fn after_commit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    #[cfg(test)]
    async fn engine(&mut self) -> StoreResult<&mut SqliteConnection> {
        self.connection().await
    }
}

impl<C: Holder> Reads for Session<C> {}

/// The most statements that are put off. It bounds how many texts there are to prepare, and how long each is.
const PUT_OFF: usize = 8;

/// Statements, and the values of all of them, numbered through.
#[derive(Default)]
struct Batch {
    sql: String,
    statements: usize,
    arguments: SqliteArguments,
    /// The first value that could not be bound.
    failure: Option<sqlx::Error>,
}

impl<C: Holder> Session<C> {
    pub(super) fn new(connection: C) -> Self {
        Self { connection, boundaries: String::new(), waiting: Batch::default(), effects: Vec::new(), audit_head: None }
    }

    /// Begins a statement with its values as `$1`, `$2`, … It must be put off or sent.
    pub(super) fn query(&mut self, sql: &'static str) -> Statement<'_, C> {
        let bound = self.waiting.arguments.len();
        let values = append_renumbered(&mut self.waiting.sql, sql, bound);
        self.waiting.sql.push(';');
        self.waiting.statements += 1;
        Statement { session: self, sql, end: bound + values }
    }

    /// Has `statement` sent before anything that is asked for from now on. Everything before it must have been sent.
    pub(super) fn mark_boundary(&mut self, statement: &'static str) {
        debug_assert!(self.waiting.sql.is_empty(), "{statement} would be sent too early");
        self.boundaries.push_str(statement);
        self.boundaries.push(';');
    }

    /// Sends what was put off, if anything was.
    pub(super) async fn flush(&mut self) -> StoreResult<()> {
        if self.waiting.sql.is_empty() { Ok(()) } else { self.send().await }
    }

    /// Sends what was put off, and boundaries even if they are alone.
    pub(super) async fn send(&mut self) -> StoreResult<()> {
        let (query, connection) = self.take()?;
        query.execute(connection).await?;
        Ok(())
    }

    /// Forgets what was put off, but no boundary.
    pub(super) fn discard(&mut self) {
        self.waiting = Batch::default();
    }

    /// The engine, as it is after everything that was put off.
    pub(super) async fn connection(&mut self) -> StoreResult<&mut SqliteConnection> {
        if !(self.boundaries.is_empty() && self.waiting.sql.is_empty()) {
            self.send().await?;
        }
        Ok(&mut self.connection)
    }

    /// Ends the session.
    pub(super) fn into_connection(self) -> C {
        self.connection
    }

    fn take(&mut self) -> StoreResult<(Query<'static, Sqlite, SqliteArguments>, &mut SqliteConnection)> {
        let Batch { sql, arguments, failure, .. } = std::mem::take(&mut self.waiting);
        if let Some(failure) = failure {
            return Err(failure.into());
        }
        let sql = std::mem::take(&mut self.boundaries) + &sql;
        // Made of `'static` texts alone.
        Ok((sqlx::query_with(AssertSqlSafe(sql), arguments), &mut self.connection))
    }
}

/// Appends `sql` with `by` added to the number of each of its values, because the values of statements that travel
/// together are numbered through. Tells how many values `sql` has.
fn append_renumbered(text: &mut String, sql: &str, by: usize) -> usize {
    let mut pieces = sql.split('$');
    text.push_str(pieces.next().unwrap_or_default());
    let mut most = 0;
    for piece in pieces {
        let digits = piece.len() - piece.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = piece.split_at(digits);
        // A text of ours in which `$` is not followed by a number does not occur; 0 would not be bound.
        let number: usize = number.parse().unwrap_or(0);
        most = most.max(number);
        text.push('$');
        text.push_str(&(number + by).to_string());
        text.push_str(rest);
    }
    most
}

/// A statement that is being put together.
#[must_use = "it is neither put off nor sent"]
pub(super) struct Statement<'s, C> {
    session: &'s mut Session<C>,
    sql: &'static str,
    /// How many values there are with this statement's.
    end: usize,
}

impl<C: Holder> Statement<'_, C> {
    /// The value of the next number.
    pub(super) fn bind<'q, T: Encode<'q, Sqlite> + Type<Sqlite>>(self, value: T) -> Self {
        let batch = &mut self.session.waiting;
        if let Err(error) = batch.arguments.add(value) {
            batch.failure.get_or_insert(sqlx::Error::Encode(error));
        }
        self
    }

    /// A value too few or too many would shift the values of the statements behind.
    fn check(&self) {
        debug_assert_eq!(self.session.waiting.arguments.len(), self.end, "{}", self.sql);
    }

    /// Has it sent ahead of the next statement that is waited for, at the latest at the end of the job. It gives no
    /// row, and a job whose statement fails is refused whole.
    pub(super) async fn put_off(self) -> StoreResult<()> {
        self.check();
        if self.session.waiting.statements < PUT_OFF { Ok(()) } else { self.session.flush().await }
    }

    /// Runs it and gives its rows.
    pub(super) async fn fetch_all(self) -> StoreResult<Vec<SqliteRow>> {
        self.check();
        let (query, connection) = self.session.take()?;
        Ok(query.fetch_all(connection).await?)
    }

    /// Runs it and gives its first row, if any.
    pub(super) async fn fetch_optional(self) -> StoreResult<Option<SqliteRow>> {
        self.check();
        let (query, connection) = self.session.take()?;
        Ok(query.fetch_optional(connection).await?)
    }

    /// Runs it and gives its one row.
    pub(super) async fn fetch_one(self) -> StoreResult<SqliteRow> {
        self.fetch_optional().await?.ok_or_else(|| StoreError::from(sqlx::Error::RowNotFound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_statements_that_travel_together_are_numbered_through() {
        let mut text = String::from("first $1;");
        let values = append_renumbered(&mut text, "UPDATE t SET a = $2, b = $1 WHERE c = $2 LIMIT $10", 1);
        assert_eq!((text.as_str(), values), ("first $1;UPDATE t SET a = $3, b = $2 WHERE c = $3 LIMIT $11", 10));
    }
}
