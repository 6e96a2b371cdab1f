//! Who is there: kept in memory, because a durable write per heartbeat would buy nothing, and written down in batches.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anet_protocol::id::{InstanceId, NodeId, TaskId};
use anet_protocol::rest::{Node, NodeStatus};
use anet_protocol::time::Timestamp;

use crate::store::PresenceRow;

/// A run that was heard of this recently is taken to be alive, in milliseconds.
const ALIVE_MILLIS: i64 = 30_000;

/// A node that was silent this long is shown as offline (commhub-http §1.5), in milliseconds.
const OFFLINE_MILLIS: i64 = 600_000;

/// What is known of a run since the hub started.
struct Run {
    instance_id: InstanceId,
    /// What it last said; `None` before it said anything.
    status: Option<NodeStatus>,
    last_seen_at: Timestamp,
    open_streams: u32,
    /// A stream of it ended, and it was not heard of since.
    stream_closed: bool,
    /// Not yet written down.
    changed: bool,
}

impl Run {
    fn heard(&mut self, now: Timestamp) {
        self.last_seen_at = now;
        self.stream_closed = false;
        self.changed = true;
    }
}

#[derive(Default)]
struct State {
    runs: HashMap<NodeId, Run>,
    /// When the doorbell of a task was given to its node, not yet written down.
    pushed: HashMap<TaskId, Timestamp>,
}

impl State {
    /// What is known of this run; what was known of another one is forgotten.
    fn run(&mut self, node_id: &NodeId, instance_id: &InstanceId, now: Timestamp) -> &mut Run {
        let new = || Run {
            instance_id: instance_id.clone(),
            status: None,
            last_seen_at: now,
            open_streams: 0,
            stream_closed: false,
            changed: true,
        };
        let run = self.runs.entry(node_id.clone()).or_insert_with(new);
        if run.instance_id != *instance_id {
            *run = new();
        }
        run
    }
}

/// Everything to be written down.
pub(crate) struct Unsaved {
    pub nodes: Vec<PresenceRow>,
    pub pushed: Vec<(TaskId, Timestamp)>,
}

/// The presence of all nodes.
#[derive(Default)]
pub(crate) struct Presence {
    state: Mutex<State>,
}

impl Presence {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run has taken the node over, or has come back to it.
    pub(crate) fn registered(&self, node_id: &NodeId, instance_id: &InstanceId, now: Timestamp) {
        let mut state = self.state();
        let run = state.run(node_id, instance_id, now);
        run.status = Some(NodeStatus::Idle);
        run.heard(now);
    }

    /// A run of the node has called. Tells whether it says something new of itself. A call of an earlier run
    /// that was under way during a takeover changes nothing.
    pub(crate) fn heard(
        &self,
        node_id: &NodeId,
        instance_id: &InstanceId,
        status: Option<NodeStatus>,
        now: Timestamp,
    ) -> bool {
        let mut state = self.state();
        if state.runs.get(node_id).is_some_and(|run| run.instance_id != *instance_id) {
            return false;
        }
        let run = state.run(node_id, instance_id, now);
        run.heard(now);
        let news = status.is_some() && run.status != status;
        run.status = status.or(run.status);
        news
    }

    /// A run has called about an attempt. Nothing is begun by that: a repeated answer is taken from a run that no longer
    /// holds the node, and must not stand in the way of the one that does.
    pub(crate) fn heard_again(&self, node_id: &NodeId, instance_id: &InstanceId, now: Timestamp) {
        if let Some(run) = self.state().runs.get_mut(node_id).filter(|run| run.instance_id == *instance_id) {
            run.heard(now);
        }
    }

    pub(crate) fn stream_opened(&self, node_id: &NodeId, instance_id: &InstanceId, now: Timestamp) {
        let mut state = self.state();
        let run = state.run(node_id, instance_id, now);
        run.open_streams += 1;
        run.heard(now);
    }

    pub(crate) fn stream_closed(&self, node_id: &NodeId, instance_id: &InstanceId, now: Timestamp) {
        if let Some(run) = self.state().runs.get_mut(node_id).filter(|run| run.instance_id == *instance_id) {
            run.open_streams = run.open_streams.saturating_sub(1);
            run.last_seen_at = now;
            run.stream_closed = true;
            run.changed = true;
        }
    }

    pub(crate) fn forget(&self, node_id: &NodeId) {
        self.state().runs.remove(node_id);
    }

    /// The doorbell of a task was given to its node's stream.
    pub(crate) fn pushed(&self, task_id: &TaskId, now: Timestamp) {
        self.state().pushed.insert(task_id.clone(), now);
    }

    /// Whether the run that holds `node` must be taken to be alive, so that no other run may take the node over.
    pub(crate) fn is_alive(&self, node: &Node, now: Timestamp) -> bool {
        let Some(holder) = &node.instance_id else { return false };
        let recent = |seen: Timestamp| now.millis_since(seen) < ALIVE_MILLIS;
        match self.state().runs.get(&node.node_id).filter(|run| run.instance_id == *holder) {
            Some(run) if run.open_streams > 0 => true,
            Some(run) => {
                let status = run.status.unwrap_or(node.status);
                status != NodeStatus::Offline && !run.stream_closed && recent(run.last_seen_at)
            }
            // Not heard of since the hub started.
            None => node.status != NodeStatus::Offline && node.last_seen_at.is_some_and(recent),
        }
    }

    /// Puts what is known now over what was written down.
    pub(crate) fn apply(&self, node: &mut Node, now: Timestamp) {
        let state = self.state();
        let run = state.runs.get(&node.node_id).filter(|run| node.instance_id.as_ref() == Some(&run.instance_id));
        if let Some(run) = run {
            node.connected = run.open_streams > 0;
            node.status = run.status.unwrap_or(node.status);
            node.last_seen_at = node.last_seen_at.max(Some(run.last_seen_at));
        }
        let silent = node.last_seen_at.is_none_or(|seen| now.millis_since(seen) >= OFFLINE_MILLIS);
        if node.instance_id.is_none() || (silent && !node.connected) {
            node.status = NodeStatus::Offline;
        }
    }

    /// Hands over what is to be written down. Give it back with [`Presence::restore`] if that fails.
    pub(crate) fn take_unsaved(&self) -> Option<Unsaved> {
        let mut state = self.state();
        let pushed: Vec<_> = state.pushed.drain().collect();
        let nodes: Vec<_> = state
            .runs
            .iter_mut()
            .filter_map(|(node_id, run)| {
                std::mem::take(&mut run.changed).then(|| PresenceRow {
                    node_id: node_id.clone(),
                    instance_id: run.instance_id.clone(),
                    status: run.status,
                    last_seen_at: run.last_seen_at,
                })
            })
            .collect();
        if pushed.is_empty() && nodes.is_empty() { None } else { Some(Unsaved { nodes, pushed }) }
    }

    /// Takes back what could not be written down; what has come since is newer and stays.
    pub(crate) fn restore(&self, nodes: &[NodeId], pushed: Vec<(TaskId, Timestamp)>) {
        let mut state = self.state();
        for (task_id, at) in pushed {
            state.pushed.entry(task_id).or_insert(at);
        }
        for node_id in nodes {
            if let Some(run) = state.runs.get_mut(node_id) {
                run.changed = true;
            }
        }
    }
}
