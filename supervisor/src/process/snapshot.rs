//! What is known of a process, for all who look.

use std::sync::Arc;

use anet_protocol::control::{Desired, Exit, Happening, Observed, ProcessState};
use anet_protocol::notification::Link;
use anet_protocol::rest::TokenLife;
use anet_protocol::time::Timestamp;

use super::{Lateness, Phase, Process};
use crate::events::News;
use crate::launch::fingerprint::Fingerprint;
use crate::launch::{NodeProgram, Program};
use crate::state_file::{History, HubSettings, ProcessRecord};

/// A process at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) desired: Desired,
    pub(crate) process: ProcessState,
    /// The living start.
    pub(crate) instance: Option<String>,
    /// What the living start was started with; absent in records of versions that did not keep it.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// The version of the program that the living start runs.
    pub(crate) version: Option<String>,
    /// The last start that ended, and how.
    pub(crate) ended: Option<(String, Exit)>,
    pub(crate) link: Option<Observed<Link>>,
    pub(crate) work: Option<Observed<u32>>,
    /// The life of the node's token, where it ends.
    pub(crate) token_life: Option<TokenLife>,
    pub(crate) proof_of_life: Option<Timestamp>,
    pub(crate) restarts: u32,
    pub(crate) history: Arc<History>,
    /// For the hub: where it listens and what it serves.
    pub(crate) hub: Option<HubSettings>,
}

impl Snapshot {
    pub(crate) fn stopped(since: Timestamp, desired: Desired, history: Arc<History>) -> Self {
        Self {
            desired,
            process: ProcessState::Stopped { since, last_exit: None },
            instance: None,
            fingerprint: None,
            version: None,
            ended: None,
            link: None,
            work: None,
            token_life: None,
            proof_of_life: None,
            restarts: 0,
            history,
            hub: None,
        }
    }
}

/// How people and their commands call a process.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    /// `hub`, or the node's name.
    pub(crate) name: String,
    /// The node; absent for the hub.
    pub(crate) node: Option<NodeProgram>,
    /// The command that shows its logs.
    pub(crate) logs: String,
    /// The command that starts it.
    pub(crate) start: String,
    /// The command that stops it.
    pub(crate) stop: String,
}

impl Words {
    pub(crate) fn of(program: &Program) -> Self {
        Self {
            name: program.name().to_owned(),
            node: program.node().cloned(),
            logs: program.words("logs"),
            start: program.words("start"),
            stop: program.words("stop"),
        }
    }
}

impl Process {
    /// The living start.
    fn record(&self) -> Option<&ProcessRecord> {
        match &self.phase {
            Phase::Alive(alive) => Some(&alive.record),
            _ => None,
        }
    }

    /// Tells everybody who looks or listens how it is now.
    pub(crate) fn publish(&self) {
        self.publish_as(Happening::State);
    }

    /// As [`Self::publish`], where a change of the state has another name.
    pub(super) fn publish_as(&self, happening: Happening) {
        self.tell_hub_gate();
        let process = self.state();
        let snapshot = Snapshot {
            desired: self.desired,
            process: process.clone(),
            instance: self.record().map(|record| record.instance.clone()),
            fingerprint: self.record().and_then(|record| record.fingerprint.clone()),
            version: self.record().and_then(|record| record.version.clone()),
            ended: self.ended.clone(),
            link: self.link.clone(),
            work: self.work.clone(),
            token_life: self.token_life,
            proof_of_life: self.proof_of_life,
            restarts: self.restarts,
            history: Arc::clone(&self.history),
            hub: match &self.program {
                Program::Hub(hub) => hub.settings.clone(),
                Program::Node(_) => None,
            },
        };
        let before = self.snapshot.send_replace(snapshot);
        if before.process != process {
            tracing::info!(name = self.program.name(), state = process.word(), pid = process.pid(), "state changed");
            self.tell(process, happening);
        }
    }

    /// Tells those who listen of something beside a change of the state.
    pub(super) fn tell_of(&self, happening: Happening) {
        self.tell(self.state(), happening);
    }

    fn tell(&self, process: ProcessState, happening: Happening) {
        let (name, project) = (self.program.name().to_owned(), self.program.project().map(std::path::Path::to_owned));
        let news = News { name, project, process, happening, by: self.by.clone() };
        self.context.events.tell(self.context.clock.now(), news);
    }

    fn state(&self) -> ProcessState {
        match &self.phase {
            Phase::Stopped { since, last_exit } => {
                ProcessState::Stopped { since: *since, last_exit: last_exit.clone() }
            }
            Phase::Alive(alive) => {
                let (pid, since) = (alive.leader.pid, alive.record.started_at);
                match (alive.stopping_since, alive.record.ready_at) {
                    (Some(since), _) => ProcessState::Stopping { pid, since, asked: self.asked.clone() },
                    (None, Some(ready_at)) => {
                        let (hung, draining) = (alive.lateness == Lateness::Hung, self.drain.is_some());
                        ProcessState::Running { pid, since, ready_at, hung, draining }
                    }
                    (None, None) => ProcessState::Starting { pid, since, slow: alive.lateness == Lateness::Slow },
                }
            }
            Phase::Waiting { since, last_exit, .. } => {
                let reason = "the hub is not ready".to_owned();
                ProcessState::Waiting { since: *since, reason, last_exit: last_exit.clone() }
            }
            Phase::Backoff { until, last_exit, .. } => {
                let attempt = self.failures.in_a_row;
                ProcessState::Backoff { until: *until, attempt, last_exit: last_exit.clone() }
            }
            Phase::NeedsAttention { since, reason, last_exit, .. } => {
                ProcessState::NeedsAttention { since: *since, reason: reason.clone(), last_exit: last_exit.clone() }
            }
        }
    }
}
