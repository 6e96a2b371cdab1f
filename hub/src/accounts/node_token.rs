use anet_protocol::id::{Alias, NetworkId, NodeId, TokenId};
use anet_protocol::node_config::validate_node_name;
use anet_protocol::rest::{ErrorCode, Node, NodeStatus, NodeToken, NodeTokenRequest};
use anet_protocol::role::{CredentialKind, Operation};
use anet_protocol::time::Timestamp;
use anet_protocol::token::{self, TokenKind};
use secrecy::ExposeSecret as _;

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::nodes::find::refuse_twin;
use crate::nodes::may_manage;
use crate::nodes::rename::release;
use crate::store::{NewToken, StoredNode, Transaction};

/// Mints a token bound to one node, and makes the node known: tasks can be sent to it before it first starts.
pub(crate) async fn create(hub: &Hub, caller: &Caller, request: NodeTokenRequest) -> Result<NodeToken, HubError> {
    validate_node_name(&request.node_name).map_err(|error| Refusal::invalid("node_name", error.to_string()))?;
    if let Some(node_id) = &request.node_id {
        check_node_id(node_id)?;
    }
    if let Some(label) = &request.label {
        check_label(label)?;
    }
    let now = hub.now();
    let lifetime = hub.settings().node_token_lifetime;
    let expires_at = (!lifetime.is_zero()).then(|| now.plus(lifetime));
    let caller = caller.clone();
    let fresh_id = NodeId::random(hub.entropy());
    let secret = token::mint(TokenKind::Node, hub.entropy());
    let token_id = TokenId::random(hub.entropy());
    let digest = token::digest(secret.expose_secret());
    let answer_id = token_id.clone();
    let node_id = hub
        .write(async move |transaction| {
            may_mint(transaction, &caller, &request.network_id).await?;
            let alias = Alias::from(request.node_name.as_str());
            let node_id = if let Some(known) = find(transaction, &request, &alias).await? {
                may_manage(transaction, &caller, &known.node.network_id, Some(&known.owner_id)).await?;
                known.node.node_id
            } else {
                release(transaction, &request.network_id, &alias, now).await?;
                refuse_twin(transaction, &request.network_id, &alias, None).await?;
                let node = unstarted(request.node_id.clone().unwrap_or(fresh_id), alias, &request, now);
                let node_id = node.node_id.clone();
                transaction.insert_node(&StoredNode { node, owner_id: caller.user.user_id.clone() }).await?;
                node_id
            };
            let (name, owner) = (format!("node:{}", request.node_name), &caller.user.user_id);
            let token = NewToken {
                network_id: Some(request.network_id.clone()),
                node_id: Some(node_id.clone()),
                client_label: request.label.clone(),
                expires_at,
                ..NewToken::new(token_id, digest, CredentialKind::Node, name, owner, now)
            };
            transaction.insert_token(&token).await?;
            let entry = AuditEntry::by(&caller, "node_token_created", now)
                .to("network", &request.network_id)
                .detail(&request.node_name)
                .within(&request.network_id);
            transaction.insert_audit(&entry).await?;
            Ok(node_id)
        })
        .await?;
    Ok(NodeToken { token: secret.expose_secret().to_owned(), token_id: answer_id, node_id, expires_at })
}

/// A node that nobody has started yet.
fn unstarted(node_id: NodeId, alias: Alias, request: &NodeTokenRequest, now: Timestamp) -> Node {
    Node {
        node_id,
        node_name: request.node_name.clone(),
        alias,
        network_id: request.network_id.clone(),
        runtime: None,
        model: None,
        hostname: None,
        project_dir: None,
        version: None,
        status: NodeStatus::Offline,
        connected: false,
        instance_id: None,
        pid: None,
        inbox_count: 0,
        last_seen_at: None,
        created_at: now,
        updated_at: now,
    }
}

/// `n_` and up to 60 letters, digits, `_` or `-`: ours have 8 hex digits, older ones may differ.
fn check_node_id(node_id: &NodeId) -> Result<(), HubError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let body = node_id.as_str().strip_prefix("n_").unwrap_or_default();
    if body.is_empty() || body.len() > 60 || !body.chars().all(allowed) {
        return Err(Refusal::invalid("node_id", "`n_` and up to 60 letters, digits, `_` or `-`").into());
    }
    Ok(())
}

fn check_label(label: &str) -> Result<(), HubError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if label.is_empty() || label.len() > 64 || !label.chars().all(allowed) {
        return Err(Refusal::invalid("label", "1 to 64 letters, digits, `_` or `-`").into());
    }
    Ok(())
}

/// The node meant, if it is known. A name and an id that belong to different nodes are refused.
async fn find(
    transaction: &mut dyn Transaction,
    request: &NodeTokenRequest,
    alias: &Alias,
) -> Result<Option<StoredNode>, HubError> {
    let conflict = |message: &str| {
        Err(Refusal::new(ErrorCode::NodeIdentityConflict, "node_identity_conflict").message(message).into())
    };
    let named = transaction.node_by_alias(&request.network_id, alias).await?;
    let Some(node_id) = &request.node_id else { return Ok(named) };
    match named {
        Some(named) if named.node.node_id == *node_id => Ok(Some(named)),
        Some(_) => conflict("a node of that name with another id exists in the network"),
        None if transaction.node(node_id).await?.is_some() => conflict("the node id belongs to another node"),
        None => Ok(None),
    }
}

/// Upstream's text for those whose rank does not suffice (commhub-http §1.3).
async fn may_mint(transaction: &mut dyn Transaction, caller: &Caller, network_id: &NetworkId) -> Result<(), HubError> {
    match caller.authorize(transaction, network_id, Operation::CreateNodeToken).await {
        Err(HubError::Refused(mut refusal)) if refusal.code == ErrorCode::PermissionDenied => {
            "no write access to this network".clone_into(&mut refusal.error);
            Err(HubError::Refused(refusal))
        }
        outcome => outcome,
    }
}
