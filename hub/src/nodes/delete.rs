use anet_protocol::event::Event;
use anet_protocol::id::{Alias, MessageId, NetworkId, NodeId};
use anet_protocol::rest::{ErrorCode, NodeDeleted, TaskError};
use anet_protocol::role::{Operation, kind_suffices};
use anet_protocol::task_state::TaskEvent;

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::events::{Channel, Effect};
use crate::hub::Hub;
use crate::nodes::may_manage;
use crate::store::{NodeFilter, Scope, StoredNode, Transaction};
use crate::tasks::transition::{Change, apply};

/// How many waiting tasks are failed at once with their node; further ones end when their time is over.
const WAITING: u32 = 1000;

/// Removes a node, named by id, name or alias: its tokens are dead, unless they are to be kept, its streams end, its open
/// tasks fail.
pub(crate) async fn delete(
    hub: &Hub,
    caller: &Caller,
    reference: &str,
    network_id: Option<&NetworkId>,
    keep_token: bool,
) -> Result<NodeDeleted, HubError> {
    if !kind_suffices(caller.credential, Operation::DeleteNode) {
        return Err(Refusal::new(ErrorCode::UserTokenRequired, "user_token_required").into());
    }
    let now = hub.now();
    let operation = hub.clone();
    let (caller, reference, network_id) = (caller.clone(), reference.to_owned(), network_id.cloned());
    let deleted = hub
        .write(async move |transaction| {
            let StoredNode { node, owner_id } = find(transaction, &caller, &reference, network_id.as_ref()).await?;
            caller.authorize(transaction, &node.network_id, Operation::DeleteNode).await?;
            may_manage(transaction, &caller, &node.network_id, Some(&owner_id)).await?;
            for open in transaction.open_tasks(&node.node_id, WAITING).await? {
                let change = Change {
                    event: TaskEvent::Fail,
                    actor: "hub",
                    detail: Some("the node was deleted"),
                    now,
                    message_id: MessageId::random(operation.entropy()),
                };
                apply(transaction, &open, change, |task| {
                    task.task.result = Some("the node was deleted".to_owned());
                    task.task.error = Some(TaskError {
                        code: "node_deleted".to_owned(),
                        message: "the node was deleted".to_owned(),
                        retryable: false,
                    });
                })
                .await?;
            }
            let channel = Channel::node(&node.network_id, &node.alias);
            let event = Event::NodeDeleted {
                node_id: node.node_id.clone(),
                node_name: node.node_name.clone(),
                alias: node.alias.clone(),
                network_id: node.network_id.clone(),
            };
            transaction.append_event(&channel, &event, now).await?;
            let tokens = if keep_token {
                transaction.unbind_tokens_of_node(&node.node_id).await?;
                Vec::new()
            } else {
                transaction.delete_tokens_of_node(&node.node_id).await?
            };
            transaction.delete_node(&node.node_id).await?;
            let entry = AuditEntry::by(&caller, "node_deleted", now)
                .to("node", &node.node_id)
                .detail(node.alias.as_str())
                .within(&node.network_id);
            transaction.insert_audit(&entry).await?;
            let tokens_revoked = tokens.len() as u64;
            transaction.after_commit(Effect::CloseChannel(channel));
            for token_id in tokens {
                transaction.after_commit(Effect::CloseToken(token_id));
            }
            Ok(NodeDeleted {
                deleted: true,
                node_id: node.node_id,
                node_name: node.node_name,
                alias: node.alias,
                network_id: node.network_id,
                tokens_revoked,
            })
        })
        .await?;
    hub.live().presence.forget(&deleted.node_id);
    Ok(deleted)
}

/// The latest updated match in reach. What is out of reach looks like what does not exist.
async fn find(
    transaction: &mut dyn Transaction,
    caller: &Caller,
    reference: &str,
    network_id: Option<&NetworkId>,
) -> Result<StoredNode, HubError> {
    let not_found = || Refusal::new(ErrorCode::NodeNotFound, "node not found").detail("node", reference);
    let scope = match caller.scope(transaction, network_id).await {
        Err(HubError::Refused(refusal)) if refusal.code == ErrorCode::AccessDenied => {
            return Err(not_found().into());
        }
        scope => scope?,
    };
    let in_scope = |node: &StoredNode| match &scope {
        Scope::All => true,
        Scope::Networks(networks) => networks.contains(&node.node.network_id),
    };
    let by_id = transaction.node(&NodeId::from(reference)).await?.filter(in_scope);
    if let Some(node) = by_id {
        return Ok(node);
    }
    let filter = NodeFilter { scope, node_id: None, alias: Some(Alias::from(reference)) };
    transaction.nodes(&filter).await?.into_iter().next().ok_or_else(|| not_found().into())
}
