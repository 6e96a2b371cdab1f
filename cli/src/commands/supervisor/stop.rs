use std::time::Duration;

use anet_protocol::Clock as _;
use anet_protocol::control::{Shutdown, ShuttingDown};
use anet_supervisor::Ended;
use anyhow::Context as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::Serialize;
use std::os::fd::OwnedFd;
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::supervisor_client::SupervisorClient;
use crate::system::SystemClock;

/// Stop the supervisor and all it looks after; the next start brings back what was running
///
/// Where none runs, what a dead one left running is ended.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Leave hub and nodes running; the next supervisor takes them over
    #[arg(long)]
    leave_running: bool,
    /// For systemd's ExecStop: the main process, empty when that is dead already and nothing is to be stopped
    #[arg(long, hide = true, value_name = "PID")]
    main_pid: Option<String>,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    if arguments.main_pid.as_deref() == Some("") {
        // The service manager calls this after a crash too; what runs is for the next supervisor to take over.
        return Ok(ExitCode::SUCCESS);
    }
    let Some(client) = SupervisorClient::connect(&context.environment).await? else {
        return without_one(context, arguments.leave_running).await;
    };
    let outcome = stop(&client, !arguments.leave_running).await?;
    context.printer.note("the supervisor is stopped")?;
    if !outcome.stopped.is_empty() {
        context.printer.note(&format!("stopped with it: {}", outcome.stopped.join(", ")))?;
    }
    if !outcome.left_running.is_empty() {
        context.printer.note(&format!("still running: {}", outcome.left_running.join(", ")))?;
    }
    if context.printer.json {
        context.printer.document(&outcome)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends what a dead supervisor left running, or names it.
async fn without_one(context: &Context, leave_running: bool) -> Outcome {
    if context.environment.supervisor.is_some() {
        return Err(Failure::no_supervisor(anyhow::anyhow!("no supervisor answers at that socket")));
    }
    context.printer.note("the supervisor was not running")?;
    let home = &context.environment.home;
    let (mut ended, mut left_running) = (Ended::default(), Vec::new());
    if leave_running {
        let known = anet_supervisor::recorded(home, SystemClock.now())
            .with_context(|| format!("cannot find out what still runs for {}", home.display()))?;
        let alive: Vec<_> = known.into_iter().filter_map(|one| Some((one.name, one.pid?))).collect();
        if !alive.is_empty() {
            let shown: Vec<_> = alive.iter().map(|(name, pid)| format!("{name} (pid {pid})")).collect();
            context.printer.note(&format!("still running without a supervisor: {}", shown.join(", ")))?;
            context.printer.hint("`anet supervisor start` takes them over; `anet supervisor stop` ends them")?;
        }
        left_running.extend(alive.into_iter().map(|(name, _)| name));
    } else {
        ended = anet_supervisor::end_leftovers(home, SystemClock.now()).await?;
        if !ended.stopped.is_empty() {
            context.printer.note(&format!("stopped what it had left running: {}", ended.stopped.join(", ")))?;
        }
    }
    if context.printer.json {
        let document = ShuttingDownWithoutOne { pid: None, stopped: ended.stopped, left_running };
        context.printer.document(&document)?;
    }
    if ended.survivors.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::message(format!("still running: {}", ended.survivors.join("; "))))
}

/// As [`ShuttingDown`], of no supervisor.
#[derive(Debug, Serialize)]
struct ShuttingDownWithoutOne {
    pid: Option<u32>,
    stopped: Vec<String>,
    left_running: Vec<String>,
}

/// Asks the supervisor to leave and waits until its process is gone.
pub(crate) async fn stop(client: &SupervisorClient, stop_children: bool) -> Result<ShuttingDown, Failure> {
    // Opened first, so that it is the process that is asked and no later one of the same number.
    let status = client.status().await?;
    let process = open(status.pid)?;
    let outcome = client.shutdown(&Shutdown { stop_children }).await?;
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while tokio::time::Instant::now() < deadline {
        tick.tick().await;
        if process.as_ref().is_none_or(has_ended) {
            return Ok(outcome);
        }
    }
    Err(Failure::message(format!("the supervisor (pid {}) said goodbye but is still there", status.pid)))
}

/// The process as a descriptor; `None` when it is gone already.
fn open(pid: u32) -> Result<Option<OwnedFd>, Failure> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Failure::message("the supervisor named no valid pid"))?;
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => Ok(Some(process)),
        Err(Errno::SRCH) => Ok(None),
        Err(error) => Err(Failure::failed(error).context("cannot watch the supervisor's process")),
    }
}

/// A pidfd is readable once its process has ended, also while nobody has reaped it.
fn has_ended(process: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(process, PollFlags::IN)];
    poll(&mut polled, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}
