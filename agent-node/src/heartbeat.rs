use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::id::TaskId;
use anet_protocol::rest::{NodeStatus, ReportNode};

use crate::hub_client::chain;
use crate::node::Node;

/// Reports the node's true status, to the hub and to the supervisor: at each change of the tasks in hand,
/// when claiming is paused or resumed, and at the hub's interval.
pub(crate) async fn run(node: Arc<Node>) -> Infallible {
    let mut in_hand = node.attempts.in_hand();
    let mut terms = node.terms.subscribe();
    let mut paused = node.pause.reached();
    loop {
        let interval = terms.borrow_and_update().map(|terms| Duration::from_secs(terms.heartbeat_seconds.max(1)));
        let tasks = in_hand.borrow_and_update().clone();
        node.notifier.alive(tasks.len(), *paused.borrow_and_update());
        if interval.is_some() && *node.connected.borrow() {
            report(&node, tasks).await;
        }
        // Neither sender goes away before this task: the node owns both.
        tokio::select! {
            () = tokio::time::sleep(interval.unwrap_or(Duration::MAX)) => {}
            _ = in_hand.changed() => {}
            _ = terms.changed() => {}
            _ = paused.changed() => {}
        }
    }
}

async fn report(node: &Node, tasks: Vec<TaskId>) {
    let status = if tasks.is_empty() { NodeStatus::Idle } else { NodeStatus::Working };
    let body = ReportNode { instance_id: node.settings.instance_id.clone(), status, tasks };
    if let Err(error) = node.hub.report(&body).await {
        // The next heartbeat says it again.
        tracing::warn!(reason = chain(&error), "heartbeat not taken");
    }
}
