//! Waiting for the hub: nodes that depend on it are started when it is ready, and not while it restarts (R15).

use anet_protocol::control::{ControlErrorCode, Desired, Exit, StartHub, StopRequest};

use super::{Phase, Process, StartReply};
use crate::launch::Program;
use crate::refusal::Refusal;

/// Whether nodes may be started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HubGate {
    /// The hub is ready; or none is wanted here, or it was given up, so that there is nothing to wait for.
    #[default]
    Open,
    /// The hub that listens on this port is on its way.
    Closed { port: u16 },
}

impl Process {
    /// What the hub's phase means for the nodes.
    pub(super) fn tell_hub_gate(&self) {
        let Program::Hub(hub) = &self.program else { return };
        let port = hub.settings.as_ref().map_or(0, |settings| settings.listen.port());
        let gate = match &self.phase {
            _ if self.desired == Desired::Stopped => HubGate::Open,
            Phase::NeedsAttention { .. } => HubGate::Open,
            Phase::Alive(alive) if alive.record.ready_at.is_some() && alive.stopping_since.is_none() => HubGate::Open,
            Phase::Alive(_) | Phase::Stopped { .. } | Phase::Waiting { .. } | Phase::Backoff { .. } => {
                HubGate::Closed { port }
            }
        };
        self.context.hub_gate.send_if_modified(|known| std::mem::replace(known, gate) != gate);
    }

    /// Whether it must wait for the hub before it is started.
    pub(super) fn must_wait(&self) -> bool {
        let Program::Node(node) = &self.program else { return false };
        let HubGate::Closed { port } = *self.context.hub_gate.borrow() else { return false };
        self.policy().depends_on_hub && node.uses_hub_on(port)
    }

    /// A person asks for a start: it happens now, or when the hub is ready.
    pub(super) async fn start_or_wait(&mut self, hub: Option<StartHub>, reply: StartReply) {
        if matches!(self.phase, Phase::Alive(_)) || !self.must_wait() {
            drop(reply.send(self.start_on_request(hub).await));
            return;
        }
        self.desired = Desired::Running;
        self.forget_failures();
        if let Err(error) = self.save_desired().await {
            drop(reply.send(Err(Refusal::internal(error))));
            return;
        }
        match &mut self.phase {
            Phase::Waiting { replies, .. } => replies.push(reply),
            _ => self.wait(vec![reply]),
        }
    }

    /// Stops it and starts it anew, at once or when the hub is ready; the hub keeps its socket meanwhile.
    pub(super) async fn restart(&mut self, asked: StopRequest, reply: StartReply) {
        // Nobody asked for it, so a stop that came before it counts for more.
        if asked.by.is_none() && !matches!(self.phase, Phase::Alive(_)) {
            let error = format!("{} was stopped meanwhile", self.program.name());
            drop(reply.send(Err(Refusal::new(ControlErrorCode::StartFailed, error))));
            return;
        }
        if let Err(refusal) = self.check_restart().await {
            drop(reply.send(Err(refusal)));
            return;
        }
        match self.bring_down(asked).await {
            Ok(last_exit) => {
                self.phase = Phase::Stopped { since: self.context.clock.now(), last_exit };
                self.start_or_wait(None, reply).await;
            }
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    /// What runs is not ended where it could not be started again: for its files, or because a start could not be put on
    /// record.
    async fn check_restart(&self) -> Result<(), Refusal> {
        self.check_files()?;
        if !matches!(self.phase, Phase::Alive(_)) {
            return Ok(());
        }
        self.save_desired().await.map_err(|error| self.runs_on(Refusal::internal(error)))
    }

    /// What runs is not ended for files with which it could not be started again.
    pub(super) fn check_files(&self) -> Result<(), Refusal> {
        if !matches!(self.phase, Phase::Alive(_)) {
            return Ok(());
        }
        let checked = match &self.program {
            Program::Node(node) => node.check_files(&self.context),
            Program::Hub(hub) => hub.check_database(),
        };
        checked.map_err(|error| self.runs_on(error.refusal()))
    }

    fn runs_on(&self, mut refusal: Refusal) -> Refusal {
        refusal.0.error = format!("{} runs on as it is: {}", self.program.name(), refusal.0.error);
        refusal
    }

    /// Waits from now on, whatever it did before.
    pub(super) fn wait(&mut self, replies: Vec<StartReply>) {
        let last_exit = self.last_exit();
        self.phase = Phase::Waiting { since: self.context.clock.now(), last_exit, replies };
        self.publish();
    }

    /// The hub is ready.
    pub(super) async fn stop_waiting(&mut self) {
        let (since, last_exit) = (self.context.clock.now(), self.last_exit());
        let before = std::mem::replace(&mut self.phase, Phase::Stopped { since, last_exit });
        let Phase::Waiting { replies, .. } = before else {
            self.phase = before;
            return;
        };
        let outcome = self.start_on_request(None).await;
        for reply in replies {
            let answer = outcome.clone();
            // Whoever asked may be gone; what was done stays done.
            drop(reply.send(answer));
        }
    }

    /// It need not wait any more, because it is to stop.
    pub(super) fn give_up_waiting(&mut self) {
        let Phase::Waiting { last_exit, replies, since } = &mut self.phase else { return };
        let name = self.program.name();
        for reply in replies.drain(..) {
            let error = format!("{name} was stopped while it waited for the hub");
            drop(reply.send(Err(Refusal::new(ControlErrorCode::StartFailed, error))));
        }
        self.phase = Phase::Stopped { since: *since, last_exit: last_exit.take() };
    }

    fn last_exit(&self) -> Option<Exit> {
        match &self.phase {
            Phase::Stopped { last_exit, .. } | Phase::Waiting { last_exit, .. } => last_exit.clone(),
            Phase::Backoff { last_exit, .. } | Phase::NeedsAttention { last_exit, .. } => Some(last_exit.clone()),
            Phase::Alive(_) => None,
        }
    }
}
