use std::convert::Infallible;
use std::sync::Arc;

use anet_protocol::rest::{Attempt, ClaimTasks, ClaimedTask};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::hub_client::chain;
use crate::journal::is_file_safe;
use crate::node::Node;

/// A claimed task with what stops work on it.
pub(crate) type Claimed = (ClaimedTask, CancellationToken);

/// The most tasks that one claim may ask for (protocol: `ClaimTasks::max`).
const MOST_PER_CLAIM: usize = 100;

/// Claims tasks whenever there is room for them, and hands them on, for ever.
///
/// An event wakes it, and so does a timer, because an event may be lost.
pub(crate) async fn run(node: Arc<Node>, claimed: mpsc::UnboundedSender<Claimed>) -> Infallible {
    loop {
        let pause = match claim(&node, &claimed).await {
            Next::Again => continue,
            Next::Retry => node.settings.timing.backoff_first,
            Next::Wait => node.settings.timing.inbox_poll,
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = node.inbox_wake.notified() => {}
        }
    }
}

/// When to claim next.
enum Next {
    /// At once: there may be more.
    Again,
    /// Soon: the call failed, and the hub may have given tasks that never arrived.
    Retry,
    /// When something happens.
    Wait,
}

/// Claims as many tasks as there is room for.
async fn claim(node: &Arc<Node>, claimed: &mpsc::UnboundedSender<Claimed>) -> Next {
    // Not while a registration is under way: it lists what is held, and must not miss any of these.
    let _session = node.session.lock().await;
    let room = (node.settings.max_concurrent.max(1) as usize).saturating_sub(node.attempts.in_hand().borrow().len());
    if room == 0 || node.leaving.is_cancelled() || node.pause.is_asked() || !*node.connected.borrow() {
        return Next::Wait;
    }
    let max = u32::try_from(room.min(MOST_PER_CLAIM)).unwrap_or(1);
    let holding = node.attempts.holding();
    let body = ClaimTasks { instance_id: node.settings.instance_id.clone(), max, holding };
    let answer = match node.hub.claim(&body).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!(reason = chain(&error), "nothing claimed");
            return Next::Retry;
        }
    };
    let mut taken = 0;
    for task in answer.tasks {
        taken += usize::from(take(node, claimed, task, taken < room));
    }
    if taken > 0 && answer.inbox_count > 0 { Next::Again } else { Next::Wait }
}

/// Takes a claimed task up. One that a hub must not have given is left to its lease.
fn take(node: &Node, claimed: &mpsc::UnboundedSender<Claimed>, task: ClaimedTask, room: bool) -> bool {
    if !room || !is_file_safe(task.task_id.as_str()) {
        tracing::error!(task = ?task.task_id, room, "the hub gave a task it should not have; it is not taken");
        return false;
    }
    let attempt = Attempt { task_id: task.task_id.clone(), attempt: task.attempt };
    let Some(stop) = node.attempts.accept(attempt) else {
        tracing::error!(task = %task.task_id, attempt = task.attempt, "claimed twice; it is already in hand");
        return false;
    };
    tracing::info!(task = %task.task_id, attempt = task.attempt, from = ?task.from_name, "claimed");
    // It fails only when the node has ended, and then nobody starts anything.
    claimed.send((task, stop)).is_ok()
}
