use anet_protocol::id::TokenId;
use anet_protocol::rest::RegisterRequest;
use anet_protocol::role::SystemRole;
use anet_protocol::token::{self, TokenKind};

use super::issue::Login;
use super::register;
use crate::caller::Caller;
use crate::client::Client;
use crate::error::HubError;
use crate::hub::Hub;
use crate::settings::Access;
use crate::store::TokenKey;

/// The name of the one user of a hub without login.
const USERNAME: &str = "local";

/// Whoever is on the hub's own machine, on a hub that asks nobody to log in: its first administrator, who is made if there
/// is none. `None` for everybody else, and on every other hub.
pub(crate) async fn caller(hub: &Hub, client: &Client) -> Result<Option<Caller>, HubError> {
    if hub.settings().access == Access::Login || !client.is_local {
        return Ok(None);
    }
    let mut login = hub.local_login().lock().await;
    if let Some(token_id) = login.as_ref()
        && let Some(stored) = hub.read().await?.token(TokenKey::Id(token_id)).await?
    {
        return Ok(Some(Caller { is_local: true, ..Caller::of(stored, client.address) }));
    }
    let token_id = open(hub).await?;
    let stored = hub.read().await?.token(TokenKey::Id(&token_id)).await?;
    *login = Some(token_id);
    Ok(stored.map(|stored| Caller { is_local: true, ..Caller::of(stored, client.address) }))
}

/// A login without a secret.
async fn open(hub: &Hub) -> Result<TokenId, HubError> {
    let nobody = Client::default();
    let admin = hub.read().await?.users().await?.into_iter().find(|stored| stored.user.role == SystemRole::Admin);
    let user = if let Some(stored) = admin {
        stored.user
    } else {
        let request = RegisterRequest {
            username: USERNAME.to_owned(),
            password: String::new(),
            email: None,
            display_name: None,
            invite_code: None,
            setup_code: None,
            allow_weak: false,
            must_change: false,
        };
        // Nobody knows the password; `anet hub admin reset-user local` gives one before login is asked for.
        let password = hub.passwords().queue()?.hash(token::mint(TokenKind::User, hub.entropy())).await?;
        register::create(hub, &nobody, request, password, true).await?.user
    };
    let Login { mut token, .. } = Login::new(hub, &user, &nobody, "local-access", None);
    token.expires_at = None;
    let token_id = token.token_id.clone();
    hub.write(async move |transaction| Ok(transaction.insert_token(&token).await?)).await?;
    Ok(token_id)
}
