//! Starting a process.

use std::sync::Arc;

use anet_protocol::control::{ControlErrorCode, Desired, ExitCause, StartHub};
use anet_protocol::id::InstanceId;
use anet_protocol::redaction::Redactor;

use super::exit::Uptime;
use super::transition::Failures;
use super::{Alive, Lateness, Phase, Process, Started};
use crate::capture::LogLimits;
use crate::launch::fingerprint::Fingerprint;
use crate::launch::{LaunchError, Program, refuse_taken_port};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::state_file::{Leader, ProcessRecord};
use crate::system::boot_time::BootTime;
use crate::system::control_group::{ControlGroup, Limits};

impl Process {
    /// A person asks for it: every failure so far is forgotten (R13).
    ///
    /// # Errors
    /// When it cannot be started, or runs with other settings.
    pub(super) async fn start_on_request(&mut self, hub: Option<StartHub>) -> Result<Started, Refusal> {
        if let Phase::Alive(alive) = &self.phase {
            let instance = alive.record.instance.clone();
            self.refuse_other_settings(hub.as_ref())?;
            self.forget_failures();
            self.publish();
            return Ok(Started { instance, changed: false });
        }
        if let (Program::Hub(program), Some(asked)) = (&mut self.program, hub) {
            program.configure(asked).map_err(|error| error.refusal())?;
        }
        self.desired = Desired::Running;
        self.forget_failures();
        match self.start().await {
            Ok(instance) => Ok(Started { instance, changed: true }),
            Err(error) => {
                let mut refusal = error.refusal();
                self.could_not_start(error).await;
                if matches!(self.phase, Phase::Backoff { .. }) {
                    refusal.0.error.push_str("; it is tried again until that works");
                }
                Err(refusal)
            }
        }
    }

    /// Restarts are counted from the last start that a person asked for; an edit of a file is none.
    pub(super) fn forget_failures(&mut self) {
        self.failures = Failures::default();
        self.restarts = if self.by.is_some() { 0 } else { self.restarts + 1 };
    }

    fn refuse_other_settings(&self, asked: Option<&StartHub>) -> Result<(), Refusal> {
        let (Program::Hub(hub), Some(asked)) = (&self.program, asked) else { return Ok(()) };
        let differences = hub.differences(asked);
        if differences.is_empty() {
            return Ok(());
        }
        let error = format!("the hub runs with other settings, and goes on: {}", differences.join("; "));
        Err(Refusal::new(ControlErrorCode::StillRunning, error).hint("anet hub stop"))
    }

    /// Nobody asked for it but the back-off, a mended file or the boot.
    pub(super) async fn start_again(&mut self) {
        if self.must_wait() {
            self.wait(Vec::new());
            return;
        }
        self.restarts += 1;
        let checked = match &self.program {
            Program::Hub(hub) => hub.check_database(),
            Program::Node(_) => Ok(()),
        };
        let started = match checked {
            Ok(()) => self.start().await,
            Err(error) => Err(error),
        };
        if let Err(error) = started {
            self.could_not_start(error).await;
        }
    }

    /// Starts it: the intent is on disk before the process exists, so that whoever comes after a
    /// crash at any point here finds the process by its instance id.
    async fn start(&mut self) -> Result<String, LaunchError> {
        Arc::make_mut(&mut self.history).starts += 1;
        self.sweep_leftovers().await?;
        let instance = InstanceId::random(&*self.context.entropy).as_str().to_owned();
        let launch = self.program.prepare(&self.context, &instance)?;
        let policy = self.policy();
        // The hub's is bound by the supervisor itself.
        self.port = self.program.node().and(launch.told.port.or(policy.port));
        self.port.map_or(Ok(()), refuse_taken_port)?;
        let redactor = Redactor::new(self.program.secrets(&self.context.settings).into_iter().chain(launch.secrets()));
        let outputs = self.capture.open(self.history.starts, redactor, self.log_limits()).await.map_err(|error| {
            let directory = launch.log_directory.display();
            LaunchError::Passing(format!("cannot make the files for its output in {directory}: {error}"))
        })?;
        let control_group = self.make_control_group(&instance, &policy);
        let mut record = ProcessRecord {
            instance: instance.clone(),
            boot_id: self.context.boot_id.clone(),
            started_at: self.context.clock.now(),
            leader: None,
            ready_at: None,
            tells_link: false,
            version: Some(self.context.settings.version.clone()),
            fingerprint: Some(Fingerprint::of(&launch, &self.context, &policy, &instance)),
            control_group: control_group.as_ref().map(|group| group.path().to_owned()),
        };
        let unsaved = |error: crate::state_file::StateError| LaunchError::Passing(error.to_string());
        // Set first: whatever fails from here on, the control group is not forgotten.
        self.leftovers = Some(record.tree());
        self.save(Some(record.clone())).await.map_err(unsaved)?;
        self.context.settings.failpoint.pass("start recorded");
        let tells_ready = launch.told.ready;
        let leader = self.spawn(launch, outputs, control_group.as_ref(), &policy)?;
        self.context.settings.failpoint.pass("process spawned");
        self.leftovers = None;
        self.context.tidying.note_start();
        if !tells_ready {
            // It is waited for no longer than the program is executed, and shown as what it is.
            record.ready_at = Some(self.context.clock.now());
        }
        record.leader = Some(Leader { pid: leader.pid, start_time: leader.start_time });
        if let Err(error) = self.save(Some(record.clone())).await {
            // The process is on record by its instance id, which is enough to find it.
            tracing::error!(name = self.program.name(), %error, "the process id could not be saved");
        }
        self.context.settings.failpoint.pass("leader recorded");
        (self.link, self.work, self.token_life, self.proof_of_life) = (None, None, None, None);
        let begun = BootTime::now();
        self.phase = Phase::Alive(Box::new(Alive {
            leader,
            ready_since: record.ready_at.map(|_| begun),
            record,
            begun,
            sign_of_life: begun,
            lateness: Lateness::InTime,
            is_adopted: false,
            paused: None,
            stopping_since: None,
            error: None,
            hint: None,
        }));
        self.publish();
        Ok(instance)
    }

    /// The control group of a start; without one the other ways of finding its processes remain.
    fn make_control_group(&self, instance: &str, policy: &Policy) -> Option<ControlGroup> {
        let made = self.context.delegation.as_ref()?.create(instance, &Limits::of(policy));
        made.inspect_err(|error| tracing::warn!(name = self.program.name(), %error, "no control group")).ok()
    }

    /// How large its logs may become.
    pub(super) fn log_limits(&self) -> LogLimits {
        let policy = self.policy();
        LogLimits { max_bytes: policy.log_max_bytes, files: policy.log_files }
    }

    /// Kills what an earlier start left behind.
    pub(super) async fn sweep_leftovers(&mut self) -> Result<(), LaunchError> {
        if let Some(tree) = &self.leftovers {
            tree.kill(&self.context.followers, self.context.settings.kill_timeout).await.map_err(|error| {
                LaunchError::Passing(format!("processes of the last start are in the way, {error}"))
            })?;
            self.leftovers = None;
            // Only now nobody writes any more.
            self.capture.close().await;
        }
        Ok(())
    }

    /// Files that a person must mend end the attempts; anything else is tried again later.
    async fn could_not_start(&mut self, error: LaunchError) {
        let mended = self.mended();
        let reason = match &error.refusal().0.hint {
            Some(hint) => format!("{error} (hint: {hint})"),
            None => error.to_string(),
        };
        let last_exit = self.exit_without_a_process(ExitCause::SpawnFailed { reason: error.to_string() });
        let now = last_exit.at;
        Arc::make_mut(&mut self.history).add(last_exit.clone());
        match error {
            LaunchError::Config { .. } => {
                self.close_socket();
                self.phase = Phase::NeedsAttention { since: now, reason, last_exit, mended };
            }
            LaunchError::PortTaken { .. } | LaunchError::Passing(_) => self.follow(last_exit, Uptime::default()),
        }
        self.save_end().await;
        self.publish();
    }

    /// Lets go of the hub's port: whoever connects is refused rather than kept waiting for nobody.
    pub(super) fn close_socket(&mut self) {
        if let Program::Hub(hub) = &mut self.program {
            // A child that is just being forked would hold it a little longer.
            let _no_fork = self.context.routes.lock();
            hub.listener = None;
        }
    }
}
