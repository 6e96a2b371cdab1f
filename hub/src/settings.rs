use std::path::PathBuf;
use std::time::Duration;

use anet_protocol::rest::RegistrationPolicy;
use ipnet::IpNet;
use secrecy::SecretString;

use crate::limits::RateLimits;

/// How sure a committed change is to survive a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Every commit is forced to the disk before it is answered.
    Full,
    /// Survives `kill -9` but not a power cut: for the control run of the power-cut test alone.
    Normal,
}

/// Who gets in without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nobody.
    Login,
    /// Whoever is on the hub's own machine, as the one user; nodes attach with their tokens as ever.
    SingleUser,
    /// The same for development, said loudly at each start and in `/health`.
    DevOpen,
}

impl Access {
    /// The word in `GET /api/auth/status`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::SingleUser => "single-user",
            Self::DevOpen => "dev-open",
        }
    }
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
    /// Whether only this machine reaches the hub; [`crate::serve()`] finds out.
    pub is_loopback: bool,
    /// Who gets in without a token; anything but [`Access::Login`] on loopback alone.
    pub access: Access,
    /// Who may register, until an administrator says otherwise: `None` is open on loopback and by invite elsewhere.
    pub registration: Option<RegistrationPolicy>,
    /// A `utok_` that is not used for so long ends; zero is never.
    pub login_idle: Duration,
    /// A `utok_` ends after so long at the latest; zero is never.
    pub login_lifetime: Duration,
    /// A node's token ends after so long, unless it is replaced before; zero is never.
    pub node_token_lifetime: Duration,
    /// How long the access cookie of a browser session works.
    pub access_lifetime: Duration,
    /// How long a browser session can be renewed after its last renewal.
    pub refresh_lifetime: Duration,
    /// Mixed into what is stored of the cookies: another secret ends every browser session.
    pub session_secret: Option<SecretString>,
    /// How many wrong passwords in a row cost nothing; from then on each doubles the pause.
    pub login_attempts: u32,
    /// The longest pause between two passwords for an account.
    pub login_delay: Duration,
    /// How often an address may ask for what can be guessed or piled up.
    pub limits: RateLimits,
    /// Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Names under which the hub is reached, beside addresses and `localhost`: others are DNS rebinding.
    pub allowed_hosts: Vec<String>,
    /// Pages of these origins may call the hub (commhub-http §3.8).
    pub cors_origins: Vec<String>,
    /// Takes `?token=` and `?api_key=` on GET, for old clients.
    pub allow_url_tokens: bool,
    /// Upstream's `COMMHUB_AUTH_TOKEN`: reads everything, and nothing else.
    pub legacy_token: Option<SecretString>,
    /// Lines of the audit log that are older than this are archived.
    pub audit_age: Duration,
    /// How many networks somebody who is no administrator may own.
    pub owned_networks: u64,
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
            is_loopback: true,
            access: Access::Login,
            registration: None,
            login_idle: Duration::from_secs(7 * 24 * 3600),
            login_lifetime: Duration::from_secs(30 * 24 * 3600),
            node_token_lifetime: Duration::ZERO,
            access_lifetime: Duration::from_secs(15 * 60),
            refresh_lifetime: Duration::from_secs(7 * 24 * 3600),
            session_secret: None,
            login_attempts: 5,
            login_delay: Duration::from_secs(15 * 60),
            limits: RateLimits::default(),
            trusted_proxies: Vec::new(),
            allowed_hosts: Vec::new(),
            cors_origins: vec!["http://localhost:3000".to_owned(), "http://localhost:3001".to_owned()],
            allow_url_tokens: false,
            legacy_token: None,
            audit_age: Duration::from_secs(90 * 24 * 3600),
            owned_networks: 20,
        }
    }
}
