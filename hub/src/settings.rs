use std::path::PathBuf;
use std::time::Duration;

/// How sure a committed change is to survive a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Every commit is forced to the disk before it is answered.
    Full,
    /// Survives `kill -9` but not a power cut: for the control run of the power-cut test alone.
    Normal,
}

/// What a hub needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The SQLite file; its directory is created with mode 0700, the file with 0600.
    pub database: PathBuf,
    /// The program's version, shown in `/health`.
    pub version: String,
    /// What a commit promises.
    pub durability: Durability,
    /// How long a claimed task is held without a renewal.
    pub lease: Duration,
    /// How many times a task may be claimed before it fails.
    pub max_attempts: u32,
    /// How long a write waits for a foreign lock on the database.
    pub busy_timeout: Duration,
    /// How many connections read at the same time.
    pub readers: u32,
    /// How many logins and registrations may wait for the password hash before 429 is answered.
    pub hashing_queue: usize,
    /// How long a client may take to send the head of a request; also ends idle connections.
    pub header_timeout: Duration,
    /// How long a client may take to send the body of a request.
    pub body_timeout: Duration,
    /// How long open requests may go on once the hub is asked to stop.
    pub drain_timeout: Duration,
    /// Events older than this are no longer replayed.
    pub event_age: Duration,
    /// How many of the newest events of a network can be replayed at most.
    pub event_count: i64,
    /// How many undelivered events a listener may have before its stream is closed.
    pub stream_queue: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database: PathBuf::from("commhub.db"),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            durability: Durability::Full,
            lease: Duration::from_secs(60),
            max_attempts: 3,
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            hashing_queue: 64,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(4),
            event_age: Duration::from_secs(7 * 24 * 3600),
            event_count: 10_000,
            stream_queue: 256,
        }
    }
}
