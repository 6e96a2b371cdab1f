use std::sync::Arc;

use anet_protocol::exit_code::ExitCode;
use anet_protocol::rest::{NodeStatus, ReportNode};
use tokio::time::timeout;

use crate::attempts::StopReason;
use crate::hub_client::chain;
use crate::node::Node;

/// Leaves in good order: no new tasks, running ones get their time, then the rest goes back to
/// the hub, the last answers are delivered, and the node says goodbye.
///
/// What cannot be delivered in time stays in the outbox for the next run.
pub(crate) async fn run(node: Arc<Node>) -> ExitCode {
    let timing = &node.settings.timing;
    tracing::info!("asked to stop");
    node.notifier.stopping();
    // A claim that is under way ends first, so that its tasks are given back too.
    if timeout(timing.farewell, node.session.lock()).await.is_err() {
        tracing::warn!("a call to the hub is still under way");
    }
    let mut in_hand = node.attempts.in_hand();
    // The sender lives as long as the node does, so waiting ends in no other way.
    if timeout(timing.drain, in_hand.wait_for(Vec::is_empty)).await.is_err() {
        tracing::warn!(tasks = ?*in_hand.borrow(), "tasks are not done in time; they go back to the hub");
        node.attempts.stop_all(StopReason::Leaving);
        let killing = timing.kill_grace + timing.farewell;
        if timeout(killing, in_hand.wait_for(Vec::is_empty)).await.is_err() {
            tracing::error!(tasks = ?*in_hand.borrow(), "tasks do not end");
        }
    }
    node.outbox_wake.notify_one();
    let mut undelivered = node.attempts.undelivered();
    if timeout(timing.farewell, undelivered.wait_for(|count| *count == 0)).await.is_err() {
        tracing::warn!(answers = *undelivered.borrow(), "answers stay in the outbox for the next run");
    }
    if node.terms.borrow().is_some() {
        say_goodbye(&node).await;
    }
    ExitCode::Stopped
}

async fn say_goodbye(node: &Node) {
    let instance_id = node.settings.instance_id.clone();
    let goodbye = ReportNode { instance_id, status: NodeStatus::Offline, tasks: Vec::new() };
    match timeout(node.settings.timing.farewell, node.hub.report(&goodbye)).await {
        Ok(Ok(_)) => tracing::info!("the hub knows that the node is leaving"),
        Ok(Err(error)) => tracing::warn!(reason = chain(&error), "the hub was not told of the leaving"),
        Err(_) => tracing::warn!("the hub was not told of the leaving: no answer in time"),
    }
}
