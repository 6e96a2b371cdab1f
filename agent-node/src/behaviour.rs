//! What a node does, seen from outside: a hub on a real socket, real agents, real signals.

mod bench;
mod delegation;
mod delivery;
mod fake_hub;
mod link;
mod stop;
mod work;

use anet_protocol::id::{NetworkId, TaskId};
use anet_protocol::rest::{ClaimedTask, Priority};
use anet_protocol::time::Timestamp;

/// A task as a hub gives it.
pub(crate) fn task(id: &str, attempt: u32, content: &str) -> ClaimedTask {
    ClaimedTask {
        task_id: TaskId::from(id),
        attempt,
        network_id: NetworkId::from("net_1"),
        from_name: "alice".to_owned(),
        content: content.to_owned(),
        priority: Priority::Normal,
        parent_task_id: None,
        hop_count: 0,
        created_at: Timestamp::from_millis(0),
        lease_expires_at: Timestamp::from_millis(60_000),
    }
}
