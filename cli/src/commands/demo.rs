//! `anet demo`: the main job on real input, through the same functions that the other commands use.

mod stage;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anet_protocol::control::{NodeTarget, ProcessState};
use anet_protocol::id::{Alias, TaskId};
use anet_protocol::rest::{Priority, SendTask, Task, TaskEventQuery};
use anet_protocol::task_state::TaskState;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::send::wait;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::hub_client::HubClient;
use crate::signals;
use stage::Stage;

/// Longer than any step of the demonstration takes.
const STEP_TIMEOUT: Duration = Duration::from_secs(90);

/// Show the main job: two agents share a task, one is killed, nothing is lost
///
/// Everything happens in a temporary home of its own and is gone afterwards.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Directory that the agents look at [default: this one]
    directory: Option<PathBuf>,
    /// Leave everything running, and say how to look around and how to stop it
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let here = &context.environment.directory;
    let directory = arguments.directory.map_or_else(|| here.clone(), |directory| here.join(directory));
    let directory = std::fs::canonicalize(&directory)
        .map_err(|error| Failure::usage(format!("cannot look at {}: {error}", directory.display())))?;
    if !directory.is_dir() {
        return Err(Failure::usage(format!("{} is not a directory", directory.display())));
    }
    let target = directory.display().to_string();
    let stage = Stage::build(context)?;
    let stop = signals::stop_token()?;
    let outcome = tokio::select! {
        outcome = play(&stage, &target) => outcome,
        () = stop.cancelled() => Err(Failure::message("interrupted")),
    };
    if arguments.keep && outcome.is_ok() {
        stage.keep()?;
    } else {
        stage.clear().await?;
    }
    outcome?;
    Ok(ExitCode::SUCCESS)
}

async fn play(stage: &Stage, directory: &str) -> Result<(), Failure> {
    let hub = stage.raise().await?;

    stage.step(&format!("giving surveyor the task: survey {directory}"))?;
    let survey = send(&hub, "surveyor", &format!("survey {directory}")).await?;
    let survey = finished(&hub, &survey).await?;
    let parts = hub
        .tasks(&anet_protocol::rest::TaskQuery { parent_task_id: Some(survey.task_id.clone()), ..Default::default() })
        .await?;
    for part in &parts.tasks {
        stage.step(&format!(
            "the hub shows the part surveyor gave to {}: {} ({})",
            part.to_name, part.content, part.status
        ))?;
    }
    if parts.tasks.is_empty() {
        return Err(Failure::message("surveyor delegated nothing"));
    }
    stage.step("surveyor combined both answers and replied")?;

    stage.step("giving finder a task that takes three seconds")?;
    let slow = send(&hub, "finder", &format!("slowly, largest files under {directory}")).await?;
    let pid = running_on(stage, &hub, &slow).await?;
    kill(pid, Signal::SIGKILL).map_err(|error| Failure::message(format!("cannot kill finder: {error}")))?;
    stage.step(&format!("killed finder with SIGKILL in the middle of it (pid {pid})"))?;
    let slow = finished(&hub, &slow).await?;
    let node = stage.supervisor().await?.start_node("finder", &NodeTarget::default()).await?.node;
    stage.step(&format!(
        "the supervisor started finder again (pid {}); attempt {} of the task completed",
        node.pid.unwrap_or_default(),
        slow.attempt
    ))?;
    let query = TaskEventQuery { task_id: Some(slow.task_id.clone()), ..TaskEventQuery::default() };
    let ends = hub.task_events(&query).await?.events.iter().filter(|event| event.to_status.is_terminal()).count();
    if ends != 1 || slow.attempt != 2 {
        return Err(Failure::message(format!("the task ended {ends} times, in attempt {}", slow.attempt)));
    }
    stage.step("the task's history shows two attempts and exactly one end")?;

    stage.show(&survey, &slow)
}

async fn send(hub: &HubClient, alias: &str, task: &str) -> Result<TaskId, Failure> {
    let request = SendTask {
        alias: Alias::from(alias),
        task: task.to_owned(),
        priority: Priority::Normal,
        from: None,
        network_id: None,
        parent_task_id: None,
        ttl_seconds: None,
        idempotency_key: None,
    };
    Ok(hub.send_task(&request).await?.task_id)
}

/// The task when it is over, which must be by an answer.
async fn finished(hub: &HubClient, task_id: &TaskId) -> Result<Task, Failure> {
    let task = wait(hub, task_id, Some(STEP_TIMEOUT)).await?;
    if task.status == TaskState::Replied {
        return Ok(task);
    }
    Err(Failure::message(format!("task {task_id} is {}: {}", task.status, task.result.unwrap_or_default())))
}

/// The process of finder's node, once the hub shows that the task runs on it.
async fn running_on(stage: &Stage, hub: &HubClient, task_id: &TaskId) -> Result<Pid, Failure> {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        let task = hub.task(task_id, None).await?;
        if task.status.is_terminal() {
            return Err(Failure::message("the task was over before it could be interrupted"));
        }
        if task.status == TaskState::Running {
            break;
        }
    }
    stage.step("the hub shows it running")?;
    let nodes = stage.supervisor().await?.nodes().await?.nodes;
    let pid = nodes.iter().filter(|node| node.name == "finder").find_map(|node| match node.process {
        ProcessState::Running { pid, .. } => i32::try_from(pid).ok(),
        _ => None,
    });
    pid.map(Pid::from_raw).ok_or_else(|| Failure::message("finder is not running"))
}
