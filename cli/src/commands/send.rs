use std::io::Read as _;
use std::time::Duration;

use anet_protocol::exit_code::CommandExit;
use anet_protocol::id::{Alias, TaskId};
use anet_protocol::rest::{Priority, SendTask, Task, TaskAnswer, TaskSent};
use anet_protocol::task_state::TaskState;
use std::process::ExitCode;
use tokio::time::Instant;

use crate::context::Context;
use crate::duration;
use crate::failure::{Failure, Outcome};
use crate::hub_client::{HubClient, LONGEST_WAIT};
use crate::system::SystemEntropy;

/// How long a wait goes on while the hub does not answer.
const OUTAGE: Duration = Duration::from_secs(60);

/// Send a task to an agent
///
/// Prints the task's id, or with --wait the agent's answer. Inside a task the new task becomes a part of it.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Name of the agent
    alias: Alias,
    /// What to do; `-` reads it from stdin
    task: String,
    /// Wait until the task is over and print the answer
    #[arg(long)]
    wait: bool,
    /// Give up waiting after this time, such as 90s or 5m; the task goes on
    #[arg(long, value_name = "TIME", requires = "wait", value_parser = duration::parse)]
    wait_timeout: Option<Duration>,
    /// How urgent: high, normal or low
    #[arg(long, default_value = "normal", value_parser = parse_priority)]
    priority: Priority,
    /// How long the task may wait for the agent, such as 10m, at most 24h [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    ttl: Option<Duration>,
    /// The same key again means the same task, so a repeated send does nothing twice
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let task = if arguments.task == "-" { read_stdin()? } else { arguments.task };
    if arguments.ttl.is_some_and(|ttl| ttl.as_secs() == 0) {
        return Err(Failure::usage("`--ttl` is at least 1s: a task without time to wait reaches nobody"));
    }
    let ttl_seconds = match arguments.ttl {
        Some(ttl) => Some(u32::try_from(ttl.as_secs()).map_err(|_| Failure::usage("`--ttl` is at most 24h"))?),
        None => None,
    };
    let request = SendTask {
        alias: arguments.alias,
        task,
        priority: arguments.priority,
        from: None,
        network_id: if context.is_inside_task() { None } else { context.network().await? },
        parent_task_id: None,
        ttl_seconds,
        idempotency_key: arguments.idempotency_key.or_else(|| own_key(context)),
    };
    let hub = context.hub_or_task()?;
    let sent = send(&hub, &request).await?;
    let alias = &request.alias;
    let condition = match (sent.replayed, sent.online) {
        (true, _) => format!("was sent to {alias} before, with the same key"),
        (false, true) => format!("is queued for {alias}, which is online"),
        (false, false) => {
            format!("is stored; {alias} is offline and will find it when it comes up before {} UTC", sent.expires_at)
        }
    };
    context.printer.note(&format!("task {} {condition}", sent.task_id))?;
    if !arguments.wait {
        context.printer.either(&sent, || sent.task_id.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let task = wait(&hub, &sent.task_id, arguments.wait_timeout).await?;
    // The reason of a failure is no answer: it goes to stderr alone.
    let answer = task.result.as_deref().filter(|_| task.status == TaskState::Replied);
    context.printer.either(&TaskAnswer { task: task.clone() }, || answer.unwrap_or_default().trim_end().to_owned())?;
    conclude(&task)
}

/// A key of this send's own, so that it can be repeated when its answer got lost. Inside a task the node makes
/// a better one, which a repeated attempt at the whole task makes again.
fn own_key(context: &Context) -> Option<String> {
    (!context.is_inside_task()).then(|| TaskId::random(&SystemEntropy).to_string())
}

/// Sends a task; again, if the connection broke and nobody knows whether the hub has it.
async fn send(hub: &HubClient, request: &SendTask) -> Result<TaskSent, Failure> {
    match hub.send_task(request).await {
        Err(failure) if failure.is_broken_connection() => {
            ride_out(Instant::now(), failure, async || hub.send_task(request).await).await
        }
        outcome => outcome,
    }
}

/// Tries again while the hub is away, for as long as a supervised hub may take to come back.
async fn ride_out<T>(
    since: Instant,
    first: Failure,
    mut attempt: impl AsyncFnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut failure = first;
    let mut pause = Duration::from_millis(100);
    while failure.exit == CommandExit::HubUnreachable && since.elapsed() < OUTAGE {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(again) => failure = again,
        }
    }
    Err(failure)
}

/// Waits until a task is over, however often the hub has to be asked, and also if it is away for a while.
pub(super) async fn wait(hub: &HubClient, task_id: &TaskId, timeout: Option<Duration>) -> Result<Task, Failure> {
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    loop {
        let left = deadline.map_or(LONGEST_WAIT, |deadline| deadline.saturating_duration_since(Instant::now()));
        let task = match hub.task(task_id, Some(left)).await {
            Ok(task) => task,
            Err(failure) => {
                ride_out(Instant::now(), failure, async || hub.task(task_id, None).await).await.map_err(|failure| {
                    failure.hint(format!("the task goes on; wait again with `anet task {task_id} --wait`"))
                })?
            }
        };
        if task.status.is_terminal() {
            return Ok(task);
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let text = format!("task {task_id} is still {} after the time to wait", task.status);
            let code = Some("wait_timeout".to_owned());
            return Err(Failure { exit: CommandExit::Timeout, code, ..Failure::message(text) }
                .hint(format!("it goes on; look with `anet task {task_id}`")));
        }
    }
}

/// Success when the task was answered, else a failure with its reason.
fn conclude(task: &Task) -> Outcome {
    if task.status == TaskState::Replied {
        return Ok(ExitCode::SUCCESS);
    }
    let reason = task
        .error
        .as_ref()
        .map_or_else(|| task.result.clone().unwrap_or_default(), |error| format!("{} ({})", error.message, error.code));
    let text = format!("task {} is {}: {reason}", task.task_id, task.status);
    let failure = Failure { code: Some(format!("task_{}", task.status)), ..Failure::message(text) };
    Err(failure.hint(format!("what happened: `anet task {}`", task.task_id)))
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn parse_priority(word: &str) -> Result<Priority, String> {
    [Priority::High, Priority::Normal, Priority::Low]
        .into_iter()
        .find(|priority| priority.as_str() == word)
        .ok_or_else(|| "use high, normal or low".to_owned())
}
