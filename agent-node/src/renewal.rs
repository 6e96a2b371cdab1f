use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::rest::{Attempt, RenewTask};
use futures_util::future::join_all;

use crate::attempts::StopReason;
use crate::hub_client::chain;
use crate::node::Node;

/// Keeps the leases of everything held, answers on their way included, for ever.
pub(crate) async fn run(node: Arc<Node>) -> Infallible {
    loop {
        let interval = node.lease_seconds().map_or(Duration::MAX, |seconds| Duration::from_secs(seconds.max(1)) / 3);
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            // A runtime has begun on a task, or the lease's length has become known.
            () = node.renewal_wake.notified() => {}
        }
        let leases = node.attempts.leases();
        join_all(leases.into_iter().map(|(attempt, running)| renew(&node, attempt, running, interval))).await;
    }
}

async fn renew(node: &Arc<Node>, attempt: Attempt, running: bool, at_most: Duration) {
    let body = RenewTask { instance_id: node.settings.instance_id.clone(), attempt: attempt.attempt, running };
    let call = node.hub.renew(&attempt.task_id, &body);
    // A hub that hangs on one renewal must not use up the time of the next.
    match tokio::time::timeout(at_most.min(node.settings.timing.request), call).await {
        Ok(Ok(_)) => {}
        // Its answer was on its way while it was renewed; the delivery finds out whether the hub has taken it.
        Ok(Err(error)) if error.ends_the_attempt() && !node.attempts.is_in_hand(&attempt) => {
            tracing::debug!(task = %attempt.task_id, reason = chain(&error), "no lease to renew any more");
        }
        Ok(Err(error)) if error.ends_the_attempt() => {
            tracing::warn!(task = %attempt.task_id, attempt = attempt.attempt, reason = chain(&error), "lease lost");
            node.lose(&attempt, StopReason::LeaseLost).await;
        }
        Ok(Err(error)) => tracing::warn!(task = %attempt.task_id, reason = chain(&error), "lease not renewed"),
        Err(_) => tracing::warn!(task = %attempt.task_id, "lease not renewed in time"),
    }
}
