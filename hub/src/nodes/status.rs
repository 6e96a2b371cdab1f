use anet_protocol::rest::{Node, NodeQuery, NodeStatus, StatusAnswer, StatusSummary};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::nodes::list::matching;

/// Who is there and what is going on.
pub(crate) async fn status(hub: &Hub, caller: &Caller, query: NodeQuery) -> Result<StatusAnswer, HubError> {
    let mut reads = hub.read().await?;
    let scope = caller.scope(&mut *reads, query.network_id.as_ref()).await?;
    let tasks = reads.task_counts(&scope).await?;
    let sessions = matching(hub, &mut *reads, scope, query).await?;
    Ok(StatusAnswer { summary: summarize(&sessions), sessions, tasks })
}

fn summarize(nodes: &[Node]) -> StatusSummary {
    let mut summary = StatusSummary::default();
    for node in nodes {
        summary.total += 1;
        match node.status {
            NodeStatus::Idle => summary.idle += 1,
            NodeStatus::Offline => summary.offline += 1,
            NodeStatus::Working | NodeStatus::Blocked | NodeStatus::Error | NodeStatus::WaitingInput => {
                summary.working += 1;
            }
        }
    }
    summary
}
