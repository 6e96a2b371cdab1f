use anet_protocol::id::TokenId;
use anet_protocol::rest::{CreateToken, ErrorCode, TokenCreated};
use anet_protocol::role::{ApiScope, CredentialKind, Operation};
use anet_protocol::token::{self, TokenKind};
use secrecy::ExposeSecret as _;

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::store::NewToken;

/// How many API keys a person may have.
const MOST: usize = 200;

/// The longest life of a key that ends, in seconds: ten years.
const LONGEST: u64 = 10 * 366 * 24 * 3600;

/// Makes an API key, which reaches no further than its owner and its scope.
pub(crate) async fn create(hub: &Hub, caller: &Caller, request: CreateToken) -> Result<TokenCreated, HubError> {
    let name = request.name.unwrap_or_else(|| "api-token".to_owned());
    let scope = request.scope.unwrap_or(ApiScope::Full);
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(Refusal::invalid("name", "1 to 100 characters, none of them a control character").into());
    }
    if request.expires_in.is_some_and(|seconds| !(60..=LONGEST).contains(&seconds)) {
        return Err(Refusal::invalid("expires_in", "a minute to ten years, in seconds").into());
    }
    let now = hub.now();
    let expires_at = request.expires_in.map(|seconds| now.plus(std::time::Duration::from_secs(seconds)));
    let secret = token::mint(TokenKind::Api, hub.entropy());
    let digest = token::digest(secret.expose_secret());
    let row = TokenId::random(hub.entropy());
    let token = NewToken {
        network_id: request.network_id,
        expires_at,
        ..NewToken::new(row, digest, CredentialKind::Api(scope), name, &caller.user.user_id, now)
    };
    let token_id = token.token_id.clone();
    let caller = caller.clone();
    hub.write(async move |transaction| {
        caller.authorize_account(transaction, Operation::ManageCredentials).await?;
        if let Some(network_id) = &token.network_id {
            caller.authorize(transaction, network_id, Operation::CreateReadonlyKey).await?;
            if scope != ApiScope::Readonly {
                caller.authorize(transaction, network_id, Operation::CreateKey).await.map_err(for_viewers)?;
            }
        }
        let own = transaction.tokens_of_user(&caller.user.user_id).await?;
        if own.iter().filter(|row| matches!(row.kind, CredentialKind::Api(_))).count() >= MOST {
            return Err(Refusal::new(ErrorCode::QuotaExceeded, format!("quota exceeded: max {MOST} API keys"))
                .hint("revoke some with `anet token revoke ID`")
                .into());
        }
        transaction.insert_token(&token).await?;
        let mut entry = AuditEntry::by(&caller, "token_created", now).to("token", &token.token_id).detail(format!(
            "{}, scope={}",
            token.name,
            scope.as_str()
        ));
        entry.network_id.clone_from(&token.network_id);
        transaction.insert_audit(&entry).await?;
        Ok(())
    })
    .await?;
    Ok(TokenCreated { token: secret.expose_secret().to_owned(), token_id, scope, expires_at })
}

/// Upstream's text for viewers (commhub-http §1.3).
fn for_viewers(error: HubError) -> HubError {
    match error {
        HubError::Refused(mut refusal) if refusal.code == ErrorCode::PermissionDenied => {
            "viewer cannot create full-access network tokens".clone_into(&mut refusal.error);
            HubError::Refused(refusal)
        }
        error => error,
    }
}
