use anet_protocol::id::{InstanceId, MessageId, NetworkId};
use anet_protocol::rest::{
    Attempt, ErrorCode, Node, NodeRegistered, NodeStatus, PREVIOUS_RUNS, RegisterNode, TokenLife,
};
use anet_protocol::time::Timestamp;

use crate::caller::{Caller, invalid_token};
use crate::error::{HubError, Refusal};
use crate::events::{Channel, Effect};
use crate::hub::Hub;
use crate::store::{StoredTask, Transaction};
use crate::work::release::{Loss, release_or_fail};

/// How often a node is to report, in seconds: a third of the time after which it no longer counts as alive.
const HEARTBEAT_SECONDS: u64 = 10;

/// The most attempts a run may name as held.
const HOLDING: usize = 10_000;

/// A run of a node takes the node over, unless another run is alive. Attempts it holds pass to it, all others of
/// earlier runs return to the queue.
pub(crate) async fn register(hub: &Hub, caller: &Caller, request: RegisterNode) -> Result<NodeRegistered, HubError> {
    check(&request)?;
    let now = hub.now();
    let lease_end = hub.lease_end();
    let operation = hub.clone();
    let asking = caller.clone();
    let (node_id, instance_id) = (request.node_id.clone(), request.instance_id.clone());
    let (alias, network_id, inbox_count, lost) = hub
        .write(async move |transaction| {
            let node = admit(transaction, &operation, &asking, &request, now).await?;
            let taken_over = node.instance_id.as_ref() != Some(&request.instance_id);
            let takeover = Takeover { hub: &operation, request: &request, now, lease_end };
            let lost = takeover.pass_leases(transaction, &node).await?;
            transaction.update_node(&registered(node.clone(), &request, now)).await?;
            if taken_over {
                let channel = Channel::node(&node.network_id, &node.alias);
                transaction.after_commit(Effect::Supersede { channel, by: request.instance_id });
            }
            let node = transaction.node(&node.node_id).await?.ok_or_else(invalid_token)?.node;
            Ok((node.alias, node.network_id, node.inbox_count, lost))
        })
        .await?;
    hub.live().presence.registered(&node_id, &instance_id, now);
    let made_at = caller.token_made_at;
    Ok(NodeRegistered {
        token_life: caller.token_ends_at.map(|ends_at| TokenLife { made_at, ends_at }),
        alias,
        network_id,
        heartbeat_seconds: HEARTBEAT_SECONDS,
        lease_seconds: hub.settings().lease.as_secs(),
        inbox_count,
        lost,
    })
}

fn check(request: &RegisterNode) -> Result<(), HubError> {
    let run = request.instance_id.as_str();
    if run.is_empty() || run.len() > 64 || !run.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(Refusal::invalid("instance_id", "1 to 64 letters, digits or `_`").into());
    }
    let texts = [
        ("runtime", Some(&request.runtime)),
        ("model", request.model.as_ref()),
        ("hostname", Some(&request.hostname)),
        ("project_dir", Some(&request.project_dir)),
        ("version", Some(&request.version)),
    ];
    for (field, text) in texts {
        if text.is_some_and(|text| text.len() > 4096 || text.chars().any(char::is_control)) {
            return Err(Refusal::invalid(field, "at most 4096 bytes, none of them a control character").into());
        }
    }
    if request.holding.len() > HOLDING {
        return Err(Refusal::invalid("holding", format!("at most {HOLDING} attempts")).into());
    }
    if request.previous.len() > PREVIOUS_RUNS {
        return Err(Refusal::invalid("previous", format!("at most {PREVIOUS_RUNS} runs")).into());
    }
    Ok(())
}

/// The node, if the token is made for it and no other run of it is alive.
async fn admit(
    transaction: &mut dyn Transaction,
    hub: &Hub,
    caller: &Caller,
    request: &RegisterNode,
    now: Timestamp,
) -> Result<Node, HubError> {
    let (_, bound) = caller.working_node(transaction).await?;
    if bound.node_id != request.node_id || bound.alias != request.alias {
        return Err(Refusal::new(ErrorCode::NodeIdentityConflict, "node_identity_conflict")
            .message("the token was made for another node")
            .hint("make a token for this node with POST /api/auth/node-token")
            .into());
    }
    let node = transaction.node(&bound.node_id).await?.ok_or_else(invalid_token)?.node;
    let is_other = node.instance_id.as_ref() != Some(&request.instance_id);
    let mut shown = node.clone();
    hub.live().presence.apply(&mut shown, now);
    // A claim that the holder is dead weighs less than a stream of it that is open.
    let is_proven_dead =
        !shown.connected && node.instance_id.as_ref().is_some_and(|run| request.previous.contains(run));
    if is_other && !is_proven_dead && hub.live().presence.is_alive(&node, now) {
        let holder = serde_json::json!({
            "instance_id": shown.instance_id,
            "pid": shown.pid,
            "hostname": shown.hostname,
            "project_dir": shown.project_dir,
            "last_seen_at": shown.last_seen_at,
            "connected": shown.connected,
        });
        return Err(Refusal::new(ErrorCode::NodeAlreadyRunning, "node_already_running")
            .message("another instance of this node is alive")
            .detail("holder", holder)
            .into());
    }
    Ok(node)
}

fn registered(node: Node, request: &RegisterNode, now: Timestamp) -> Node {
    Node {
        runtime: Some(request.runtime.clone()),
        model: request.model.clone(),
        hostname: Some(request.hostname.clone()),
        project_dir: Some(request.project_dir.clone()),
        version: Some(request.version.clone()),
        pid: Some(request.pid),
        instance_id: Some(request.instance_id.clone()),
        status: NodeStatus::Idle,
        last_seen_at: Some(now),
        updated_at: now,
        ..node
    }
}

struct Takeover<'a> {
    hub: &'a Hub,
    request: &'a RegisterNode,
    now: Timestamp,
    lease_end: Timestamp,
}

impl Takeover<'_> {
    fn holds(&self, stored: &StoredTask) -> bool {
        self.request
            .holding
            .iter()
            .any(|held| held.task_id == stored.task.task_id && held.attempt == stored.task.attempt)
    }

    /// Passes or releases the leases of earlier runs; gives the named attempts that do not belong to this run.
    async fn pass_leases(&self, transaction: &mut dyn Transaction, node: &Node) -> Result<Vec<Attempt>, HubError> {
        for stored in transaction.held_tasks(&node.node_id).await? {
            if stored.holder.as_ref() == Some(&self.request.instance_id) {
                continue;
            }
            if self.holds(&stored) {
                self.grant(transaction, &stored).await?;
            } else {
                let loss = Loss {
                    code: "lost",
                    reason: "the node was restarted while it held the task".to_owned(),
                    now: self.now,
                    message_id: MessageId::random(self.hub.entropy()),
                };
                release_or_fail(transaction, &stored, loss).await?;
            }
        }
        let mut lost = Vec::new();
        for attempt in &self.request.holding {
            if !self.keeps(transaction, &node.network_id, node, attempt).await? {
                lost.push(attempt.clone());
            }
        }
        Ok(lost)
    }

    /// Whether the attempt is this run's; one whose lease had lapsed is, if nobody has claimed the task since.
    async fn keeps(
        &self,
        transaction: &mut dyn Transaction,
        network_id: &NetworkId,
        node: &Node,
        attempt: &Attempt,
    ) -> Result<bool, HubError> {
        let Some(stored) = transaction.task(&attempt.task_id).await? else { return Ok(false) };
        let is_its = stored.task.network_id == *network_id && stored.to_node_id == node.node_id;
        if !is_its || attempt.attempt == 0 || attempt.attempt != stored.task.attempt {
            return Ok(false);
        }
        if stored.is_waiting() {
            self.grant(transaction, &stored).await?;
            return Ok(true);
        }
        Ok(stored.holder.as_ref() == Some(&self.request.instance_id))
    }

    async fn grant(&self, transaction: &mut dyn Transaction, stored: &StoredTask) -> Result<(), HubError> {
        let after = lease(stored, &self.request.instance_id, self.lease_end, self.now);
        transaction.update_task(&after).await?;
        Ok(())
    }
}

/// The task as held by a run until `lease_end`.
pub(crate) fn lease(stored: &StoredTask, instance_id: &InstanceId, lease_end: Timestamp, now: Timestamp) -> StoredTask {
    let mut after = stored.clone();
    after.holder = Some(instance_id.clone());
    after.task.lease_expires_at = Some(lease_end);
    after.task.updated_at = now;
    after
}
