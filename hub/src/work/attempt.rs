use anet_protocol::id::{InstanceId, TaskId};
use anet_protocol::rest::{AttemptAnswer, ErrorCode, Node};

use crate::caller::{Caller, invalid_token};
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::store::{BoundNode, Reads, StoredTask};
use crate::tasks::find::not_found;
use crate::tasks::transition::refusal;

/// A call about one attempt at one task.
pub(crate) struct AttemptCall {
    pub caller: Caller,
    pub instance_id: InstanceId,
    pub task_id: TaskId,
    pub attempt: u32,
}

impl AttemptCall {
    /// The task, if it was sent to the calling node. Another node's task looks like one that does not exist.
    pub(crate) async fn task(&self, reads: &mut dyn Reads) -> Result<StoredTask, HubError> {
        let (network_id, node) = self.caller.working_node(reads).await?;
        let stored = reads.task(&self.task_id).await?;
        stored
            .filter(|stored| stored.task.network_id == network_id && stored.to_node_id == node.node_id)
            .ok_or_else(|| not_found(&self.task_id))
    }

    /// Whether the attempt is the one that counts. That is the case while its run holds the task, and still while
    /// the task waits again but nobody has claimed it since: a late answer then saves doing it twice.
    pub(crate) async fn check_holder(&self, reads: &mut dyn Reads, stored: &StoredTask) -> Result<(), HubError> {
        if stored.task.status.is_terminal() {
            return Err(refusal(stored).into());
        }
        let node = reads.node(&stored.to_node_id).await?.ok_or_else(invalid_token)?.node;
        check_instance(&node, &self.instance_id)?;
        let is_latest = self.attempt > 0 && self.attempt == stored.task.attempt;
        let is_holder = stored.holder.as_ref().map_or(stored.is_waiting(), |holder| *holder == self.instance_id);
        if is_latest && is_holder {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::StaleAttempt, "stale_attempt")
            .message("this attempt no longer holds the task; drop its result")
            .detail("task_id", self.task_id.as_str())
            .detail("attempt", stored.task.attempt)
            .into())
    }

    /// Who is heard of when the call succeeds.
    pub(crate) fn presence(&self) -> Heard {
        Heard { node: self.caller.node.clone(), instance_id: self.instance_id.clone() }
    }
}

/// A run that has called.
pub(crate) struct Heard {
    node: Option<BoundNode>,
    instance_id: InstanceId,
}

impl Heard {
    pub(crate) fn note(self, hub: &Hub) {
        if let Some(node) = self.node {
            hub.live().presence.heard_again(&node.node_id, &self.instance_id, hub.now());
        }
    }
}

/// Refuses a run that is not the one the node belongs to.
pub(crate) fn check_instance(node: &Node, instance_id: &InstanceId) -> Result<(), HubError> {
    if node.instance_id.as_ref() == Some(instance_id) {
        return Ok(());
    }
    let refusal = Refusal::new(ErrorCode::InstanceSuperseded, "instance_superseded");
    Err(match &node.instance_id {
        Some(holder) => refusal.message("another run has taken this node over").detail("instance_id", holder.as_str()),
        None => refusal.message("this node is not registered").hint("register first"),
    }
    .into())
}

/// What the node is told about the attempt.
pub(crate) fn answer(stored: StoredTask, replayed: bool) -> AttemptAnswer {
    AttemptAnswer {
        task_id: stored.task.task_id,
        status: stored.task.status,
        lease_expires_at: stored.task.lease_expires_at,
        replayed,
    }
}
