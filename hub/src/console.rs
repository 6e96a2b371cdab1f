//! What is done on the hub's host, on the database itself, whether the hub runs or not. Whoever can write to the
//! database is the hub's owner; a running hub sees the change within a second.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anet_protocol::role::SystemRole;
use anet_protocol::{Clock, Entropy};
use secrecy::SecretString;

use crate::accounts::issue::Login;
use crate::accounts::name;
use crate::admin::{generated, reset, unlock};
use crate::audit::{AuditEntry, verify};
use crate::client::Client;
use crate::error::HubError;
use crate::hub::Hub;
use crate::passwords::Passwords;
use crate::settings::Settings;
use crate::store::{Inspection, StoredUser};

/// The console of a hub's host.
pub struct Console {
    hub: Hub,
    /// `pid … uid …`, for the audit log.
    process: String,
}

/// Refuses a password that is easily guessed, as a hub that others can reach does; `known` are words that others connect
/// with the person.
///
/// # Errors
/// [`HubError::Refused`] with advice.
pub async fn check_password(
    entropy: Arc<dyn Entropy>,
    password: &SecretString,
    known: Vec<String>,
) -> Result<(), HubError> {
    Passwords::new(1, entropy).queue()?.check(password, known).await
}

/// An account with a new password.
#[derive(Debug)]
pub struct ResetUser {
    /// The id.
    pub user_id: String,
    /// The login name.
    pub username: String,
    /// A random password, to be changed.
    pub password: SecretString,
    /// How many logins and keys ended.
    pub revoked: u64,
    /// Whether it looks after the hub.
    pub is_admin: bool,
}

/// A login for an administrator.
#[derive(Debug)]
pub struct AdminLogin {
    /// The id.
    pub user_id: String,
    /// The login name.
    pub username: String,
    /// A `utok_`.
    pub token: SecretString,
}

/// What is found of a database without writing to it.
#[derive(Debug)]
pub struct DatabaseCheck {
    /// What SQLite finds wrong: damaged pages and indexes, and rows that refer to rows that are gone.
    pub damages: Vec<String>,
    /// How many lines the audit log has, and what is wrong with its chain; or why it could not be read.
    pub audit: Result<(u64, Option<String>), HubError>,
}

/// Goes through a database, beside a hub that may be running.
///
/// # Errors
/// When there is none, or it cannot be read.
pub async fn check_database(database: &Path) -> Result<DatabaseCheck, HubError> {
    if !database.exists() {
        return Err(HubError::NoDatabase(database.to_owned()));
    }
    let mut inspection = Inspection::open(database).await?;
    let damages = inspection.damages().await?;
    let audit = verify::walk(&mut *inspection.into_reads(), None).await;
    Ok(DatabaseCheck { damages, audit: audit.map(|verified| (verified.rows, verified.problem)) })
}

impl Console {
    /// Opens the database of a hub that may be running.
    ///
    /// # Errors
    /// When there is none, or it cannot be opened.
    pub async fn open(
        database: PathBuf,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        process: String,
    ) -> Result<Self, HubError> {
        let settings = Settings { database, ..Settings::default() };
        Ok(Self { hub: Hub::beside(settings, clock, entropy).await?, process })
    }

    /// Whether anybody has an account yet.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn has_accounts(&self) -> Result<bool, HubError> {
        Ok(self.hub.read().await?.has_users().await?)
    }

    async fn user(&self, username: &str) -> Result<StoredUser, HubError> {
        let known = self.hub.read().await?.user_by_name(username, &name::key(username)).await?;
        known.ok_or_else(|| HubError::NoUser(username.to_owned()))
    }

    /// Gives an account a random password and ends every login, browser session and API key that is bound to no network,
    /// in one transaction; nodes run on. Ends the pause after wrong passwords too.
    ///
    /// # Errors
    /// When there is no such account, or the database refuses.
    pub async fn reset_user(&self, username: &str) -> Result<ResetUser, HubError> {
        let stored = self.user(username).await?;
        let password = generated::password(self.hub.entropy());
        let hash = self.hub.passwords().queue()?.hash(password.clone()).await?;
        let entry = AuditEntry::console(&self.process, "password_reset_by_admin", self.hub.now());
        let user = stored.user.clone();
        let revoked =
            self.hub.write(async move |transaction| reset::apply(transaction, &stored, &hash, entry).await).await?;
        Ok(ResetUser {
            user_id: user.user_id.to_string(),
            username: user.username,
            password,
            revoked,
            is_admin: user.role == SystemRole::Admin,
        })
    }

    /// Ends the pause that wrong passwords have brought upon an account.
    ///
    /// # Errors
    /// When there is no such account, or the database refuses.
    pub async fn unlock_user(&self, username: &str) -> Result<(), HubError> {
        let stored = self.user(username).await?;
        let entry = AuditEntry::console(&self.process, "login_unlocked", self.hub.now());
        self.hub.write(async move |transaction| unlock::apply(transaction, &stored, entry).await).await
    }

    /// A login for the administrator of that name, else for the first one; `None` when the hub has no account at all.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn admin_login(&self, username: Option<&str>) -> Result<Option<AdminLogin>, HubError> {
        let users = self.hub.read().await?.users().await?;
        let mut admins: Vec<_> = users.into_iter().filter(|stored| stored.user.role == SystemRole::Admin).collect();
        let named = username.and_then(|username| admins.iter().position(|stored| stored.user.username == username));
        if admins.is_empty() {
            return Ok(None);
        }
        let user = admins.swap_remove(named.unwrap_or(0)).user;
        let now = self.hub.now();
        let Login { secret, token } =
            Login::new(&self.hub, &user, &Client::default(), "admin-bootstrap", Some("admin-utok.json"));
        let entry = AuditEntry::console(&self.process, "admin_login_issued", now)
            .to("session", &token.token_id)
            .detail(&user.username);
        self.hub
            .write(async move |transaction| {
                transaction.insert_token(&token).await?;
                Ok(transaction.insert_audit(&entry).await?)
            })
            .await?;
        Ok(Some(AdminLogin { user_id: user.user_id.to_string(), username: user.username, token: secret }))
    }

    /// Lets go of the database.
    pub async fn close(self) {
        self.hub.close().await;
    }
}
