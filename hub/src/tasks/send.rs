use anet_protocol::event::Event;
use anet_protocol::id::{Alias, MessageId, NetworkId, TaskId};
use anet_protocol::rest::{ErrorCode, MessageType, Node, NodeStatus, SendTask, Task, TaskSent, limit};
use anet_protocol::role::Operation;
use anet_protocol::task_state::{TaskEvent, TaskState};
use anet_protocol::time::Timestamp;
use anet_protocol::token;

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::events::Channel;
use crate::hub::Hub;
use crate::limits::Action;
use crate::nodes::find::node_named;
use crate::store::{NewMessage, NewTaskEvent, Reads, StoredTask, Transaction};
use crate::tasks::find::not_found;

/// A stored task, and whether it is one of before.
struct Sent {
    task_id: TaskId,
    recipient: Option<Node>,
    expires_at: Timestamp,
    replayed: bool,
}

/// Stores a task for an alias. The answer means: it is on disk.
pub(crate) async fn send(hub: &Hub, caller: &Caller, request: SendTask) -> Result<TaskSent, HubError> {
    check(&request)?;
    let now = hub.now();
    hub.limits().take(Action::Task, caller.address, now)?;
    let asked = request.alias.clone();
    let task_id = TaskId::random(hub.entropy());
    let max_attempts = hub.settings().max_attempts;
    let sender = caller.clone();
    let sent = hub
        .write(async move |transaction| {
            let network_id = sender.network_for(transaction, request.network_id.as_ref(), Operation::SendTask).await?;
            if let Some(sent) = replay(transaction, &sender, &network_id, &request).await? {
                return Ok(sent);
            }
            let recipient = node_named(transaction, &network_id, &request.alias).await?;
            if sender.is_node(&network_id, &recipient.alias) {
                return Err(Refusal::invalid("alias", "a node that sends to itself would loop").into());
            }
            let from_name = sender_name(transaction, &sender, &network_id, request.from.as_deref()).await?;
            let hop_count = hops(transaction, &network_id, request.parent_task_id.as_ref()).await?;
            let stored = compose(Composition {
                task_id,
                network_id,
                from_name,
                hop_count,
                max_attempts,
                now,
                sender: &sender,
                recipient: &recipient,
                request: &request,
            })?;
            store(transaction, &stored, &recipient, now).await?;
            if sender.node.is_none() {
                let entry = AuditEntry::by(&sender, "task_sent", now)
                    .to("task", &stored.task.task_id)
                    .detail(recipient.alias.as_str())
                    .within(&stored.task.network_id);
                transaction.insert_audit(&entry).await?;
            }
            let Task { task_id, expires_at, .. } = stored.task;
            Ok(Sent { task_id, recipient: Some(recipient), expires_at, replayed: false })
        })
        .await?;
    // Asked after the commit, so that it is as true as can be; a replayed task's recipient may be gone.
    let recipient = sent.recipient.map(|mut node| {
        hub.live().presence.apply(&mut node, hub.now());
        node
    });
    let renamed_to = recipient.as_ref().map(|node| node.alias.clone()).filter(|alias| *alias != asked);
    let session_status = recipient.as_ref().map_or(NodeStatus::Offline, |node| node.status).as_str().to_owned();
    let online = recipient.is_some_and(|node| node.connected);
    Ok(TaskSent {
        message_id: MessageId::of_task(&sent.task_id),
        task_id: sent.task_id,
        queued: true,
        online,
        session_status,
        expires_at: sent.expires_at,
        replayed: sent.replayed,
        renamed_from: renamed_to.as_ref().map(|_| asked),
        renamed_to,
    })
}

fn check(request: &SendTask) -> Result<(), HubError> {
    let length = request.task.chars().count();
    if !(1..=limit::CONTENT).contains(&length) {
        return Err(Refusal::invalid("task", format!("1 to {} characters, not {length}", limit::CONTENT)).into());
    }
    if request.ttl_seconds.is_some_and(|ttl| !limit::TTL_SECONDS.contains(&ttl)) {
        return Err(Refusal::invalid("ttl_seconds", "1 to 86400").into());
    }
    let plain =
        |text: &str, most: usize| (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if request.from.as_deref().is_some_and(|from| !plain(from, 200)) {
        return Err(Refusal::invalid("from", "1 to 200 characters, none of them a control character").into());
    }
    if request.idempotency_key.as_deref().is_some_and(|key| !plain(key, limit::IDEMPOTENCY_KEY)) {
        return Err(Refusal::invalid(
            "idempotency_key",
            format!("1 to {} characters, none of them a control character", limit::IDEMPOTENCY_KEY),
        )
        .into());
    }
    Ok(())
}

/// What the key stands for: everything that was asked.
fn request_digest(request: &SendTask) -> Result<String, HubError> {
    let content = (
        &request.alias,
        &request.task,
        &request.priority,
        &request.from,
        &request.parent_task_id,
        &request.ttl_seconds,
    );
    let json = serde_json::to_string(&content)
        .map_err(|error| HubError::Fault { doing: "digest a request", message: error.to_string() })?;
    Ok(token::digest(&json))
}

/// The task that the same sender stored under the same key, if any.
async fn replay(
    transaction: &mut dyn Transaction,
    sender: &Caller,
    network_id: &NetworkId,
    request: &SendTask,
) -> Result<Option<Sent>, HubError> {
    let Some(key) = &request.idempotency_key else { return Ok(None) };
    let Some(known) = transaction.task_by_key(network_id, sender.sender_id(), key).await? else { return Ok(None) };
    if known.request_digest.as_deref() != Some(&request_digest(request)?) {
        return Err(Refusal::new(ErrorCode::IdempotencyConflict, "idempotency_conflict")
            .message("the key was used for a different task")
            .detail("task_id", known.task.task_id.as_str())
            .into());
    }
    let recipient = transaction.node(&known.to_node_id).await?.map(|stored| stored.node);
    let Task { task_id, expires_at, .. } = known.task;
    Ok(Some(Sent { task_id, recipient, expires_at, replayed: true }))
}

/// A node is named by its token. A person may give a label, but neither the name of an agent nor that of somebody else.
async fn sender_name(
    reads: &mut dyn Reads,
    sender: &Caller,
    network_id: &NetworkId,
    label: Option<&str>,
) -> Result<String, HubError> {
    match label.filter(|_| sender.node.is_none()) {
        Some(label) if reads.node_by_alias(network_id, &Alias::from(label)).await?.is_some() => {
            Err(Refusal::invalid("from", "this is the name of an agent").into())
        }
        Some(label) if label != sender.user.username && reads.is_member(network_id, label).await? => {
            Err(Refusal::invalid("from", "this is the name of another member").into())
        }
        Some(label) => Ok(label.to_owned()),
        None => Ok(sender.name().to_owned()),
    }
}

async fn hops(reads: &mut dyn Reads, network_id: &NetworkId, parent: Option<&TaskId>) -> Result<u32, HubError> {
    let Some(parent) = parent else { return Ok(0) };
    let stored = reads.task(parent).await?.filter(|stored| stored.task.network_id == *network_id);
    let hop_count = stored.ok_or_else(|| not_found(parent))?.task.hop_count + 1;
    if hop_count > limit::HOPS {
        return Err(Refusal::invalid(
            "parent_task_id",
            format!("the task was passed on more than {} times: agents seem to send it in a circle", limit::HOPS),
        )
        .into());
    }
    Ok(hop_count)
}

struct Composition<'a> {
    task_id: TaskId,
    network_id: NetworkId,
    from_name: String,
    hop_count: u32,
    max_attempts: u32,
    now: Timestamp,
    sender: &'a Caller,
    recipient: &'a Node,
    request: &'a SendTask,
}

fn compose(from: Composition<'_>) -> Result<StoredTask, HubError> {
    let Composition { sender, recipient, request, now, .. } = from;
    let status = TaskState::Created
        .after(TaskEvent::Deliver)
        .ok_or_else(|| HubError::Fault { doing: "deliver a task", message: "the table forbids it".to_owned() })?;
    let ttl = request.ttl_seconds.unwrap_or(limit::DEFAULT_TTL_SECONDS);
    Ok(StoredTask {
        reply_to: sender.channel(&from.network_id).listener,
        task: Task {
            task_id: from.task_id,
            network_id: from.network_id,
            from_name: from.from_name,
            from_node_id: sender.node.as_ref().map(|node| node.node_id.clone()),
            to_name: recipient.alias.clone(),
            to_node_id: Some(recipient.node_id.clone()),
            priority: request.priority,
            status,
            content: request.task.clone(),
            result: None,
            error: None,
            artifacts: Vec::new(),
            parent_task_id: request.parent_task_id.clone(),
            hop_count: from.hop_count,
            attempt: 0,
            max_attempts: from.max_attempts,
            lease_expires_at: None,
            created_at: now,
            delivered_at: Some(now),
            pushed_at: None,
            received_at: None,
            acked_at: None,
            started_at: None,
            completed_at: None,
            expires_at: now.plus_seconds(i64::from(ttl)),
            updated_at: now,
        },
        to_node_id: recipient.node_id.clone(),
        from_user_id: sender.user.user_id.clone(),
        holder: None,
        sender_id: sender.sender_id().to_owned(),
        request_digest: request.idempotency_key.as_ref().map(|_| request_digest(request)).transpose()?,
        idempotency_key: request.idempotency_key.clone(),
    })
}

async fn store(
    transaction: &mut dyn Transaction,
    stored: &StoredTask,
    recipient: &Node,
    now: Timestamp,
) -> Result<(), HubError> {
    let task = &stored.task;
    transaction.insert_task(stored).await?;
    transaction
        .insert_task_event(&NewTaskEvent {
            task_id: &task.task_id,
            network_id: &task.network_id,
            from_status: Some(TaskState::Created),
            to_status: task.status,
            actor: &task.from_name,
            attempt: 0,
            detail: None,
            created_at: now,
        })
        .await?;
    transaction
        .insert_message(&NewMessage {
            message_id: &MessageId::of_task(&task.task_id),
            network_id: &task.network_id,
            kind: MessageType::Task,
            from_name: &task.from_name,
            to_name: task.to_name.as_str(),
            content: None,
            task_id: Some(&task.task_id),
            created_at: now,
        })
        .await?;
    let event = Event::NewTask {
        task_id: task.task_id.clone(),
        inbox_count: recipient.inbox_count + 1,
        priority: task.priority,
        from: task.from_name.clone(),
    };
    transaction.append_event(&Channel::node(&task.network_id, &recipient.alias), &event, now).await?;
    Ok(())
}
