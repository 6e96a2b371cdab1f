use anet_protocol::rest::{ChangePassword, ErrorCode, PasswordChanged};
use anet_protocol::role::Operation;
use secrecy::{ExposeSecret as _, SecretString};

use super::guessing::{self, Attempt};
use super::issue::Login;
use crate::audit::AuditEntry;
use crate::caller::{Caller, invalid_token};
use crate::client::Client;
use crate::error::{HubError, Refusal};
use crate::events::Effect;
use crate::hub::Hub;
use crate::limits::Action;
use crate::passwords::Turn;
use crate::store::StoredUser;

/// Changes the password. The device that asks gets a fresh token; every other login, browser session and API key that is
/// bound to no network ends; nodes run on.
pub(crate) async fn change(
    hub: &Hub,
    caller: &Caller,
    client: &Client,
    request: ChangePassword,
) -> Result<PasswordChanged, HubError> {
    let ChangePassword { old_password, new_password } = request;
    let (old, new) = (SecretString::from(old_password), SecretString::from(new_password));
    let mut reads = hub.read().await?;
    caller.authorize_account(&mut *reads, Operation::ManageCredentials).await?;
    let stored = reads.user(&caller.user.user_id).await?.ok_or_else(invalid_token)?;
    drop(reads);
    let turn = hub.passwords().queue()?;
    // Upstream looks at the new password first, and its clients at its words.
    turn.check(&new, known_words(&stored)).await.map_err(renamed)?;
    if old.expose_secret() == new.expose_secret() {
        // Otherwise the password of the first start would count as chosen.
        return Err(Refusal::new(ErrorCode::WeakPassword, "new password is the old one").into());
    }
    let attempt = confirm(hub, caller, client, &turn, (&stored, old)).await?;
    let label = device(hub, caller).await?;
    let password = turn.hash(new).await?;
    let login = Login::new(hub, &caller.user, client, "password-change", label.as_deref());
    let token_id = login.token.token_id.clone();
    let (now, caller, client) = (hub.now(), caller.clone(), client.clone());
    let revoked = hub
        .write(async move |transaction| {
            caller.authorize_account(transaction, Operation::ManageCredentials).await?;
            attempt.succeeded(transaction, &stored, &client, now).await?;
            transaction.set_password(&caller.user.user_id, &password, false).await?;
            let ended = transaction.delete_logins(&caller.user.user_id, None).await?;
            transaction.insert_token(&login.token).await?;
            let others = ended.iter().filter(|token_id| **token_id != caller.token_id).count() as u64;
            let entry = AuditEntry::by(&caller, "password_changed", now)
                .to("user", &caller.user.user_id)
                .detail(format!("revoked={others}"));
            transaction.insert_audit(&entry).await?;
            for token_id in ended {
                transaction.after_commit(Effect::CloseToken(token_id));
            }
            Ok(others)
        })
        .await?;
    Ok(PasswordChanged { revoked, token: login.secret.expose_secret().to_owned(), token_id })
}

/// Finds out whether the password is the caller's own, within the limits of a login: a stolen token must not become a way
/// around them.
pub(crate) async fn confirm(
    hub: &Hub,
    caller: &Caller,
    client: &Client,
    turn: &Turn<'_>,
    (stored, password): (&StoredUser, SecretString),
) -> Result<Attempt, HubError> {
    hub.limits().take(Action::Login, client.address, hub.now())?;
    let attempt = guessing::begin(hub, client, &caller.user.username, Some(stored)).await?;
    if turn.verify(password, Some(stored.password.clone())).await? {
        return Ok(attempt);
    }
    let entry = AuditEntry::by(caller, "password_confirmation_failed", hub.now()).to("user", &caller.user.user_id);
    hub.write(async move |transaction| Ok(transaction.insert_audit(&entry).await?)).await?;
    Err(Refusal::new(ErrorCode::IncorrectPassword, "incorrect current password").into())
}

/// What the device of the login is called; the fresh token is the same device's.
async fn device(hub: &Hub, caller: &Caller) -> Result<Option<String>, HubError> {
    let rows = hub.read().await?.tokens_of_user(&caller.user.user_id).await?;
    Ok(rows.into_iter().find(|row| row.token_id == caller.token_id).and_then(|row| row.client_label))
}

/// What others connect with the person.
pub(crate) fn known_words(stored: &StoredUser) -> Vec<String> {
    let user = &stored.user;
    [Some(user.username.clone()), user.email.clone(), user.display_name.clone()].into_iter().flatten().collect()
}

/// Upstream's texts for a changed password say `new password`.
fn renamed(error: HubError) -> HubError {
    match error {
        HubError::Refused(mut refusal) if refusal.code == ErrorCode::WeakPassword => {
            refusal.error.insert_str(0, "new ");
            HubError::Refused(refusal)
        }
        error => error,
    }
}
