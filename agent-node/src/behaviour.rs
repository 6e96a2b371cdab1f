//! What a node does, seen from outside: a hub on a real socket, real agents, real signals.

mod bench;
mod delegation;
mod delivery;
mod fake_hub;
mod link;
mod lock;
mod outage;
mod pause;
mod stop;
mod work;

use anet_protocol::id::{Alias, InstanceId, NetworkId, NodeId, TaskId};
use anet_protocol::rest::{ClaimedTask, Priority};
use anet_protocol::time::Timestamp;

use crate::settings::{Command, Settings, Timing};

/// Settings of no node in particular: a test names what matters to it.
pub(crate) fn settings() -> Settings {
    Settings {
        hub: "http://127.0.0.1:9200".to_owned(),
        alias: Alias::from("counter"),
        node_id: NodeId::from("n_1"),
        instance_id: InstanceId::from("i_1"),
        runtime: Command { argv: Vec::new(), timeout: None },
        model: None,
        max_concurrent: 1,
        project_dir: "/".into(),
        state_dir: "/work".into(),
        artifacts_dir: "/artifacts".into(),
        socket_dir: "/sockets".into(),
        program_dir: None,
        hostname: "here".to_owned(),
        pid: 1,
        version: "0".to_owned(),
        agent_environment: vec![("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())],
        agent_secrets: Vec::new(),
        timing: Timing::default(),
    }
}

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
