use anet_protocol::id::NetworkId;
use anet_protocol::rest::{
    NodeQuery, NodeStats, NodeStatusCount, RecentTask, SessionStats, Stats, StreamStats, TaskStats,
};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::nodes::list::matching;
use crate::store::TaskFilter;

/// How many tasks are shown.
const RECENT: u32 = 5;

/// A few numbers about the networks in reach.
pub(crate) async fn stats(hub: &Hub, caller: &Caller, network_id: Option<NetworkId>) -> Result<Stats, HubError> {
    let mut reads = hub.read().await?;
    let scope = caller.scope(&mut *reads, network_id.as_ref()).await?;
    let by_status = reads.task_counts(&scope).await?;
    let filter = TaskFilter {
        scope: scope.clone(),
        task_id: None,
        status: None,
        to_name: None,
        from_name: None,
        parent_task_id: None,
        before: None,
        limit: RECENT,
    };
    let recent = reads.tasks(&filter).await?.rows;
    let nodes = matching(hub, &mut *reads, scope, NodeQuery::default()).await?;
    let mut sessions: Vec<NodeStatusCount> = Vec::new();
    for node in &nodes {
        match sessions.iter_mut().find(|row| row.status == node.status) {
            Some(row) => row.count += 1,
            None => sessions.push(NodeStatusCount { status: node.status, count: 1 }),
        }
    }
    Ok(Stats {
        network_id: caller.network_id.clone().or(network_id),
        tasks: TaskStats { total: by_status.iter().map(|row| row.count).sum(), by_status },
        sessions: SessionStats { by_status: sessions },
        nodes: NodeStats { total: nodes.len() as u64 },
        recent_tasks: recent
            .into_iter()
            .map(|task| RecentTask {
                task_id: task.task_id,
                from_name: task.from_name,
                to_name: task.to_name,
                status: task.status,
                created_at: task.created_at,
            })
            .collect(),
    })
}

/// Who listens, of every network: for the hub's administrators, because names are nobody else's business (R19).
pub(crate) async fn streams(hub: &Hub, caller: &Caller) -> Result<StreamStats, HubError> {
    caller.authorize_admin(&mut *hub.read().await?).await?;
    let sessions = hub.live().streams.by_channel();
    Ok(StreamStats { total: hub.live().streams.count(), sessions })
}
