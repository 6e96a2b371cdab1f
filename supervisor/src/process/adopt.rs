//! Taking over what an earlier supervisor started.

use std::sync::Arc;

use anet_protocol::control::{Desired, Exit, ExitCause, Happening, StopReason, StopRequest};
use anet_protocol::redaction::Redactor;
use nix::libc;
use rustix::process::Signal;

use super::leader::LeaderProcess;
use super::{Alive, Lateness, Phase, Process};
use crate::launch::Program;
use crate::state_file::{Leader, ProcessRecord};
use crate::system::boot_time::BootTime;
use crate::system::process_entry;

impl Process {
    /// Finds the recorded process if it lives on, and sweeps what it left if not.
    pub(crate) async fn adopt(&mut self, record: ProcessRecord) {
        let now = self.context.clock.now();
        let unknown = self.exit_without_a_process(ExitCause::Unknown);
        let exit = Exit { started_at: Some(record.started_at), ..unknown };
        if record.boot_id != self.context.boot_id {
            // A reboot ended it; the numbers belong to others now.
            return self.was_gone(exit).await;
        }
        let redactor = Redactor::new(self.program.secrets(&self.context.settings));
        self.capture.adopt(redactor, self.log_limits()).await;
        if let Program::Node(node) = &self.program {
            self.port = node.port(&self.policy());
        }
        match self.find_leader(&record).await {
            Ok(Some(leader)) => {
                self.context.routes.lock().insert(leader.pid, self.tell.clone());
                if let Program::Hub(hub) = &mut self.program {
                    match leader.standard_input() {
                        Ok(socket) => hub.hold(socket.into()),
                        // Its next restart binds the port anew, and refuses who connects meanwhile.
                        Err(error) => tracing::warn!(%error, "the hub's socket is not held"),
                    }
                }
                let record =
                    ProcessRecord { leader: Some(Leader { pid: leader.pid, start_time: leader.start_time }), ..record };
                tracing::info!(name = self.program.name(), pid = leader.pid, "taken over");
                self.phase = Phase::Alive(Box::new(Alive {
                    leader,
                    // Its true uptime is longer; counting from now only delays the reset of the back-off.
                    ready_since: record.ready_at.map(|_| BootTime::now()),
                    begun: BootTime::now(),
                    sign_of_life: BootTime::now(),
                    lateness: Lateness::InTime,
                    record,
                    is_adopted: true,
                    paused: None,
                    stopping_since: None,
                    error: None,
                    hint: None,
                }));
            }
            Ok(None) => {
                let exit = Exit { last_words: self.capture.settle(None).await, ..exit };
                self.leftovers = Some(record.tree());
                if let Err(error) = self.sweep_leftovers().await {
                    tracing::error!(name = self.program.name(), %error, "leftovers survive");
                }
                return self.was_gone(exit).await;
            }
            Err(error) => {
                // Whether it lives is not known, so it is neither started a second time nor killed.
                let reason = format!("cannot find out whether it still runs: {error}");
                self.leftovers = Some(record.tree());
                self.phase = Phase::NeedsAttention { since: now, reason, last_exit: exit, mended: None };
            }
        }
        self.publish_as(Happening::Adopted);
        self.ask_for_link();
    }

    /// SIGHUP has a node say what its link is, which it otherwise does with its next heartbeat. One that has told of a link
    /// catches the signal; that is looked at all the same, because it would end any other process.
    fn ask_for_link(&self) {
        let Phase::Alive(alive) = &self.phase else { return };
        if !alive.record.tells_link || !process_entry::catches(alive.leader.pid, libc::SIGHUP) {
            return;
        }
        if let Err(error) = alive.leader.signal(Signal::HUP) {
            tracing::warn!(name = self.program.name(), %error, "the node could not be asked for its link");
        }
    }

    /// It ended while no supervisor watched.
    async fn was_gone(&mut self, exit: Exit) {
        Arc::make_mut(&mut self.history).add(exit.clone());
        self.phase = Phase::Stopped { since: exit.at, last_exit: Some(exit) };
        self.save_end().await;
        self.publish_as(Happening::FoundDead);
    }

    /// The recorded process; or, when the earlier supervisor died before it could record the number,
    /// the process that leads a session and carries the start's id.
    async fn find_leader(&self, record: &ProcessRecord) -> std::io::Result<Option<LeaderProcess>> {
        if let Some(leader) = record.leader {
            return LeaderProcess::adopt(leader);
        }
        let tree = record.tree();
        let reading = self.context.table.read().await?;
        let leader = tree
            .members(&reading.entries)
            .into_iter()
            .filter(|entry| entry.pid == entry.session && entry.instance.as_deref() == Some(&record.instance))
            // A descendant may lead a session too; the first process is the oldest.
            .min_by_key(|entry| (entry.start_time, entry.pid))
            .map(|entry| Leader { pid: entry.pid, start_time: entry.start_time });
        leader.map_or(Ok(None), LeaderProcess::adopt)
    }

    /// Makes what is wanted true after a boot: starts what should run, finishes an interrupted stop.
    pub(super) async fn reconcile(&mut self) {
        let is_alive = matches!(self.phase, Phase::Alive(_));
        match (self.desired, &self.phase) {
            (Desired::Running, Phase::Stopped { .. }) => {
                self.start_again().await;
                self.restarts = 0;
            }
            (Desired::Stopped, _) if is_alive => {
                let asked = StopRequest { reason: StopReason::Stop, by: None };
                if let Err(refusal) = self.stop(Some(Desired::Stopped), asked).await {
                    tracing::error!(name = self.program.name(), error = refusal.0.error, "cannot finish a stop");
                }
            }
            _ => {}
        }
    }
}
