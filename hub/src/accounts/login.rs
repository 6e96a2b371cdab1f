use anet_protocol::rest::{ErrorCode, LoggedIn, LoginRequest};
use secrecy::{ExposeSecret as _, SecretString};

use super::guessing::{self, Attempt};
use super::issue::Login;
use super::name;
use crate::audit::AuditEntry;
use crate::client::Client;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::limits::Action;
use crate::passwords::LONGEST;
use crate::store::{StoredPassword, StoredUser, Transaction};

/// Somebody whose password was right.
pub(crate) struct Proven {
    pub stored: StoredUser,
    attempt: Attempt,
    /// The hash in the newest scheme, where the stored one is of an older one.
    rehashed: Option<StoredPassword>,
}

/// Gives a person a new token. Earlier ones stay valid.
pub(crate) async fn login(hub: &Hub, client: &Client, request: LoginRequest) -> Result<LoggedIn, HubError> {
    let LoginRequest { username, password, client_label } = request;
    let proven = prove(hub, client, &username, password.into()).await?;
    let Login { secret, token } = Login::new(hub, &proven.stored.user, client, "user-login", client_label.as_deref());
    let token_id = token.token_id.clone();
    let (now, client, user) = (hub.now(), client.clone(), proven.stored.user.clone());
    let network_id = hub
        .write(async move |transaction| {
            transaction.insert_token(&token).await?;
            proven.settle(transaction, &client, now).await?;
            let user = &proven.stored.user;
            let entry = AuditEntry::by_user(user, client.address, "login", now).to("auth", &token.token_id);
            transaction.insert_audit(&entry).await?;
            // Own networks come first.
            Ok(transaction.memberships(&user.user_id).await?.into_iter().next().map(|network| network.network_id))
        })
        .await?;
    Ok(LoggedIn { user, token: secret.expose_secret().to_owned(), token_id, network_id })
}

/// Finds out whether the password is the person's. Whoever it is not learns nothing else.
pub(crate) async fn prove(
    hub: &Hub,
    client: &Client,
    username: &str,
    password: SecretString,
) -> Result<Proven, HubError> {
    let now = hub.now();
    if let Err(refusal) = hub.limits().take(Action::Login, client.address, now) {
        let entry = AuditEntry::anonymous(client.address, "login_rate_limited", now)
            .named(name::shown(username))
            .to("auth", "");
        hub.note_refusal(client.address, entry).await?;
        return Err(refusal);
    }
    let wrong = || Refusal::new(ErrorCode::InvalidCredentials, "invalid username or password");
    // Nobody's password is longer, and longer texts are not worth hashing.
    if password.expose_secret().chars().count() > LONGEST {
        return Err(wrong().into());
    }
    let turn = hub.passwords().queue()?;
    let known = hub.read().await?.user_by_name(username, &name::key(username)).await?;
    let attempt = guessing::begin(hub, client, username, known.as_ref()).await?;
    let stored = known.as_ref().map(|known| known.password.clone());
    // An unknown user costs the same work and gets the same answer as a wrong password.
    let fits = turn.verify(password.clone(), stored).await?;
    let Some(stored) = known.filter(|_| fits) else {
        let entry = AuditEntry::anonymous(client.address, "login_failed", now)
            .named(name::shown(username))
            .to("auth", "")
            .detail("invalid credentials");
        hub.write(async move |transaction| Ok(transaction.insert_audit(&entry).await?)).await?;
        return Err(wrong().into());
    };
    let rehashed = if turn.is_newest(&stored.password) { None } else { Some(turn.hash(password).await?) };
    Ok(Proven { stored, attempt, rehashed })
}

impl Proven {
    /// Writes down that the password was right.
    pub(crate) async fn settle(
        &self,
        transaction: &mut dyn Transaction,
        client: &Client,
        now: anet_protocol::time::Timestamp,
    ) -> Result<(), HubError> {
        self.attempt.succeeded(transaction, &self.stored, client, now).await?;
        if let Some(password) = &self.rehashed {
            let user = &self.stored.user;
            transaction.set_password(&user.user_id, password, user.must_change_password).await?;
        }
        Ok(())
    }
}
