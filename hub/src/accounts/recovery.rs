use anet_protocol::rest::{CreateRecoveryKey, ErrorCode, LoggedIn, Recover, RecoveryKey};
use anet_protocol::role::Operation;
use anet_protocol::token::{self, TokenKind};
use secrecy::{ExposeSecret as _, SecretString};

use super::issue::Login;
use super::{name, password};
use crate::audit::AuditEntry;
use crate::caller::{Caller, invalid_token};
use crate::client::Client;
use crate::error::{HubError, Refusal};
use crate::events::Effect;
use crate::hub::Hub;
use crate::limits::Action;

/// Makes a key with which the person can set a new password once. A former key is void. The password is asked for:
/// otherwise whoever has stolen a login could keep the account.
pub(crate) async fn create_key(
    hub: &Hub,
    caller: &Caller,
    client: &Client,
    request: CreateRecoveryKey,
) -> Result<RecoveryKey, HubError> {
    let mut reads = hub.read().await?;
    caller.authorize_account(&mut *reads, Operation::ManageCredentials).await?;
    let stored = reads.user(&caller.user.user_id).await?.ok_or_else(invalid_token)?;
    drop(reads);
    let turn = hub.passwords().queue()?;
    let attempt = password::confirm(hub, caller, client, &turn, (&stored, request.password.into())).await?;
    let secret = token::mint(TokenKind::Recovery, hub.entropy());
    let digest = token::digest(secret.expose_secret());
    let (now, caller, client) = (hub.now(), caller.clone(), client.clone());
    hub.write(async move |transaction| {
        caller.authorize_account(transaction, Operation::ManageCredentials).await?;
        attempt.succeeded(transaction, &stored, &client, now).await?;
        transaction.set_recovery(&caller.user.user_id, Some(&digest)).await?;
        let entry = AuditEntry::by(&caller, "recovery_key_created", now).to("user", &caller.user.user_id);
        transaction.insert_audit(&entry).await?;
        Ok(())
    })
    .await?;
    Ok(RecoveryKey { recovery_key: secret.expose_secret().to_owned() })
}

/// Sets a new password by the recovery key, which is used up. Every login, browser session and API key that is bound to no
/// network ends.
pub(crate) async fn recover(hub: &Hub, client: &Client, request: Recover) -> Result<LoggedIn, HubError> {
    let Recover { username, recovery_key, new_password, client_label } = request;
    let now = hub.now();
    hub.limits().take(Action::Recover, client.address, now)?;
    let key = SecretString::from(recovery_key);
    let wrong = || Refusal::new(ErrorCode::InvalidRecoveryKey, "invalid username or recovery key");
    let turn = hub.passwords().queue()?;
    let new = SecretString::from(new_password);
    let known = hub.read().await?.user_by_name(&username, &name::key(&username)).await?;
    // Judged by the name that was given, so that the answer does not tell whether it is known. What else is known of the
    // person counts once the key has proved to be the right one.
    turn.check(&new, vec![username.clone()]).await?;
    let personal = turn.check(&new, known.as_ref().map(password::known_words).unwrap_or_default()).await;
    let failed =
        AuditEntry::anonymous(client.address, "recovery_failed", now).named(name::shown(&username)).to("auth", "");
    let hash = turn.hash(new).await?;
    let Some(stored) = known.filter(|_| token::parse(key.expose_secret()) == Ok(TokenKind::Recovery)) else {
        hub.write(async move |transaction| Ok(transaction.insert_audit(&failed).await?)).await?;
        return Err(wrong().into());
    };
    let login = Login::new(hub, &stored.user, client, "recovery", client_label.as_deref());
    let token_id = login.token.token_id.clone();
    let digest = token::digest(key.expose_secret());
    let (address, mut user) = (client.address, stored.user);
    user.must_change_password = false;
    let owner = user.clone();
    let network_id = hub
        .write(async move |transaction| {
            if !transaction.take_recovery(&owner.user_id, &digest).await? {
                transaction.insert_audit(&failed).await?;
                return Ok(None);
            }
            // With it the key's use is undone.
            personal?;
            transaction.set_password(&owner.user_id, &hash, false).await?;
            transaction.clear_login_failures(&name::key(&owner.username), None).await?;
            let ended = transaction.delete_logins(&owner.user_id, None).await?;
            transaction.insert_token(&login.token).await?;
            let entry = AuditEntry::by_user(&owner, address, "password_recovered", now)
                .to("user", &owner.user_id)
                .detail(format!("revoked={}", ended.len()));
            transaction.insert_audit(&entry).await?;
            for token_id in ended {
                transaction.after_commit(Effect::CloseToken(token_id));
            }
            let first = transaction.memberships(&owner.user_id).await?.into_iter().next();
            Ok(Some((login.secret, first.map(|network| network.network_id))))
        })
        .await?;
    let (secret, network_id) = network_id.ok_or_else(wrong)?;
    Ok(LoggedIn { user, token: secret.expose_secret().to_owned(), token_id, network_id })
}
