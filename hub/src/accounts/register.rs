use anet_protocol::id::{NetworkId, TokenId, UserId};
use anet_protocol::rest::{ErrorCode, Invite, Network, RegisterRequest, Registered, RegistrationPolicy, User};
use anet_protocol::role::{CredentialKind, NetworkRole, SystemRole};
use anet_protocol::text::is_direction_mark;
use anet_protocol::token::{self, TokenKind};
use secrecy::{ExposeSecret as _, SecretString};

use super::issue::Login;
use super::{legacy, name};
use crate::audit::AuditEntry;
use crate::client::Client;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::invites::redeem;
use crate::limits::Action;
use crate::passwords::check_weak;
use crate::store::{NewToken, Reads, StoredPassword, StoredUser};

/// Makes an account with a network and two tokens. The first account of a hub is its admin.
pub(crate) async fn register(hub: &Hub, client: &Client, request: RegisterRequest) -> Result<Registered, HubError> {
    hub.limits().take(Action::Register, client.address, hub.now())?;
    name::check_username(&request.username)?;
    check_text("email", request.email.as_deref(), 254)?;
    check_text("display_name", request.display_name.as_deref(), 100)?;
    let password = SecretString::from(request.password.as_str());
    let turn = hub.passwords().queue()?;
    let key = name::key(&request.username);
    // Asked before the work of the hash, and decided again by the insertion.
    let mut reads = hub.read().await?;
    let is_first = !reads.has_users().await?;
    let admitted =
        admit(hub, &mut *reads, is_first, request.setup_code.as_deref(), request.invite_code.as_deref()).await;
    // Whoever may not make an account does not learn which names are taken, and costs no hash.
    noting_refusal(hub, client, admitted).await?;
    if reads.user_by_name(&request.username, &key).await?.is_some() {
        return Err(taken().into());
    }
    drop(reads);
    let may_be_weak = request.allow_weak && is_first && hub.settings().is_loopback && client.is_local;
    let known = [Some(request.username.clone()), request.email.clone(), request.display_name.clone()];
    let strength = turn.check(&password, known.into_iter().flatten().collect()).await;
    let is_weak = strength.is_err();
    if may_be_weak {
        check_weak(password.expose_secret())?;
    } else {
        strength?;
    }
    let password = turn.hash(password).await?;
    let must_change_password = is_weak || (request.must_change && is_first);
    create(hub, client, request, password, must_change_password).await
}

fn taken() -> Refusal {
    Refusal::new(ErrorCode::UsernameTaken, "username already taken")
}

/// The account itself, once the password is hashed.
pub(crate) async fn create(
    hub: &Hub,
    client: &Client,
    request: RegisterRequest,
    password: StoredPassword,
    must_change_password: bool,
) -> Result<Registered, HubError> {
    let RegisterRequest { username, email, display_name, invite_code, setup_code, .. } = request;
    let now = hub.now();
    let user_id = UserId::random(hub.entropy());
    let network = Network {
        network_id: NetworkId::random(hub.entropy()),
        network_name: "default".to_owned(),
        owner_id: user_id.clone(),
        description: Some(format!("Auto-created network for {username}")),
        created_at: now,
        member_role: Some(NetworkRole::Owner),
    };
    let user = User {
        user_id,
        display_name: Some(display_name.unwrap_or_else(|| username.clone())),
        username,
        email,
        role: SystemRole::User,
        must_change_password,
    };
    let login = Login::new(hub, &user, client, "user-login", None);
    let network_token = token::mint(TokenKind::Node, hub.entropy());
    let digest = token::digest(network_token.expose_secret());
    let row = TokenId::random(hub.entropy());
    let bound = NewToken {
        network_id: Some(network.network_id.clone()),
        ..NewToken::new(row, digest, CredentialKind::Node, "default-network", &user.user_id, now)
    };
    let token_id = login.token.token_id.clone();
    let network_id = network.network_id.clone();
    let (operation, address) = (hub.clone(), client.address);
    let created = hub
        .write(async move |transaction| {
            let is_first = !transaction.has_users().await?;
            let invite =
                admit(&operation, transaction, is_first, setup_code.as_deref(), invite_code.as_deref()).await?;
            if let Some(invite) = &invite {
                redeem::spend(transaction, invite, now).await?;
            }
            let role = match &invite {
                _ if is_first => SystemRole::Admin,
                Some(invite) => invite.system_role.unwrap_or(SystemRole::User),
                None => SystemRole::User,
            };
            let stored = StoredUser { user: User { role, ..user }, password, created_at: now };
            if !transaction.insert_user(&stored, &name::key(&stored.user.username)).await? {
                return Err(taken().into());
            }
            transaction.insert_network(&network).await?;
            transaction.insert_token(&login.token).await?;
            transaction.insert_token(&bound).await?;
            let user = stored.user;
            let mut entry = AuditEntry::by_user(&user, address, "register", now)
                .to("user", &user.user_id)
                .within(&network.network_id);
            if let Some(invite) = &invite {
                entry = entry.detail(format!("by invite {}", invite.invite_id));
            }
            transaction.insert_audit(&entry).await?;
            let joined = match &invite {
                Some(invite) => redeem::enter(transaction, invite, &user, address, now).await?,
                None => None,
            };
            Ok((user, joined, is_first))
        })
        .await;
    let (user, joined_network_id, is_first) = noting_refusal(hub, client, created).await?;
    if is_first {
        hub.setup_code().forget();
        legacy::install(hub).await?;
    }
    Ok(Registered {
        user,
        token: login.secret.expose_secret().to_owned(),
        token_id,
        network_token: network_token.expose_secret().to_owned(),
        network_id,
        joined_network_id,
    })
}

/// Writes down that an invite was refused.
async fn noting_refusal<T>(hub: &Hub, client: &Client, outcome: Result<T, HubError>) -> Result<T, HubError> {
    if matches!(&outcome, Err(HubError::Refused(refusal)) if refusal.code == ErrorCode::InvalidInvite) {
        redeem::note_refused(hub, client.address, None).await?;
    }
    outcome
}

/// Whether another account may be made, and by which invite.
async fn admit(
    hub: &Hub,
    reads: &mut dyn Reads,
    is_first: bool,
    setup_code: Option<&str>,
    invite_code: Option<&str>,
) -> Result<Option<Invite>, HubError> {
    if is_first {
        // Whoever is first looks after the hub: where others can reach it, that is who can read its files.
        return if hub.setup_code().fits(setup_code) {
            Ok(None)
        } else {
            Err(Refusal::new(ErrorCode::InviteRequired, "setup code required")
                .message("the first account of a hub that others can reach is made on its host")
                .hint("run `anet hub start` there, or send what stands in `setup-code` beside the database")
                .into())
        };
    }
    if let Some(code) = invite_code {
        return redeem::find(reads, code, redeem::Kind::Hub).await.map(Some);
    }
    match hub.registration(reads).await? {
        RegistrationPolicy::Open => Ok(None),
        RegistrationPolicy::Invite => Err(Refusal::new(ErrorCode::InviteRequired, "invite required")
            .message("this hub takes new accounts by invite")
            .hint("ask an administrator of the hub for one: `anet hub invite create`")
            .into()),
        RegistrationPolicy::Closed => Err(Refusal::new(ErrorCode::RegistrationClosed, "registration closed")
            .message("this hub takes no new accounts")
            .into()),
    }
}

/// Bounds a text about a person.
pub(crate) fn check_text(field: &str, text: Option<&str>, most: usize) -> Result<(), HubError> {
    match text {
        Some(text) if text.chars().count() > most => {
            Err(Refusal::invalid(field, format!("at most {most} characters")).into())
        }
        Some(text) if text.chars().any(|c| c.is_control() || is_direction_mark(c)) => {
            Err(Refusal::invalid(field, "no control characters and no direction marks").into())
        }
        _ => Ok(()),
    }
}
