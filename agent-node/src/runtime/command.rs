//! The runtime `command`: a program that reads the task on its standard input and writes the
//! result to its standard output.

mod output;
mod stderr;

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::redaction::Redactor;
use anet_protocol::rest::{Attempt, ClaimedTask, TaskError};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncWriteExt as _, Interest};
use tokio::process::{Child, ChildStdin};

use self::output::Output;
use self::stderr::StderrTail;
use super::{Outcome, Runtime, TaskContext};
use crate::process_tree::ProcessTree;
use crate::program::{self, search_path};
use crate::settings::Settings;
use crate::spawn::{Program, spawn};

/// How long the pipes of a dead tree may stay open: only a process that is no descendant and took
/// a pipe over from one could still hold it.
const PIPE_LIMIT: Duration = Duration::from_secs(2);

/// Runs one program per task.
pub(crate) struct CommandRuntime {
    program: PathBuf,
    arguments: Vec<String>,
    timeout: Option<Duration>,
    kill_grace: Duration,
    project_dir: PathBuf,
    artifacts_dir: PathBuf,
    environment: Vec<(String, String)>,
    alias: String,
    instance_id: anet_protocol::id::InstanceId,
    redactor: Arc<Redactor>,
}

/// Why the work on a task came to its end.
enum End {
    Exited,
    TimedOut(Duration),
    Stopped,
}

impl CommandRuntime {
    /// `program` is the absolute path of the program that `settings` name.
    pub(crate) fn new(program: PathBuf, settings: &Settings, redactor: Arc<Redactor>) -> Self {
        let mut environment = settings.agent_environment.clone();
        environment.retain(|(key, _)| key != "PATH");
        environment.push(("PATH".to_owned(), search_path(settings)));
        Self {
            program,
            arguments: settings.runtime.argv.get(1..).unwrap_or_default().to_vec(),
            timeout: settings.runtime.timeout,
            kill_grace: settings.timing.kill_grace,
            project_dir: settings.project_dir.clone(),
            artifacts_dir: settings.artifacts_dir.clone(),
            environment,
            alias: settings.alias.to_string(),
            instance_id: settings.instance_id.clone(),
            redactor,
        }
    }

    /// What the agent finds in its environment: what the node was given, and the task's own
    /// variables. The node's token is in neither.
    fn environment(&self, task: &ClaimedTask, context: &TaskContext<'_>) -> Vec<(String, String)> {
        let of_task = [
            ("ANET_TASK_ID", task.task_id.to_string()),
            ("ANET_TASK_FROM", task.from_name.clone()),
            ("ANET_TASK_ATTEMPT", task.attempt.to_string()),
            ("ANET_TASK_SOCKET", context.socket.display().to_string()),
            ("ANET_ALIAS", self.alias.clone()),
            ("ANET_PROJECT_DIR", self.project_dir.display().to_string()),
            ("ANET_NETWORK_ID", task.network_id.to_string()),
            ("ANET_INSTANCE_ID", self.instance_id.to_string()),
        ];
        // The later one of two counts.
        self.environment.iter().cloned().chain(of_task.map(|(key, value)| (key.to_owned(), value))).collect()
    }

    async fn perform(&self, task: &ClaimedTask, context: &TaskContext<'_>) -> Outcome {
        let spawned = spawn(Program {
            path: &self.program,
            arguments: &self.arguments,
            environment: self.environment(task, context),
            directory: self.project_dir.clone(),
        });
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                return failed("spawn_failed", program::explain(&self.program, &self.project_dir, &error), true);
            }
        };
        (context.started)();
        let mut output = Output::new(self.artifacts_dir.join(task.task_id.as_str()), task.attempt);
        let mut tail = StderrTail::new(Arc::clone(&self.redactor), task.task_id.clone());
        let end = self.attend(&mut child, task, context, &mut output, &mut tail).await;
        let status = child.wait().await;
        match (end, status) {
            (Ok(End::Stopped), _) => {
                output.discard().await;
                Outcome::Stopped
            }
            (Ok(End::TimedOut(limit)), _) => {
                output.discard().await;
                failed("timeout", tail.explain(&format!("not done within {limit:?}")), true)
            }
            (Ok(End::Exited), Ok(status)) if status.success() => match output.finish().await {
                Ok((text, artifacts)) => Outcome::Done { text, artifacts },
                Err(error) => failed("artifact_unwritable", format!("the output cannot be kept: {error}"), true),
            },
            (Ok(End::Exited), Ok(status)) => {
                output.discard().await;
                let (code, words) = describe(status);
                failed(code, tail.explain(&words), false)
            }
            (Err(error), _) | (_, Err(error)) => {
                output.discard().await;
                failed("lost", format!("the agent cannot be watched: {error}"), true)
            }
        }
    }

    /// Feeds the child and reads it until the work has come to its end and no process of it is left.
    async fn attend(
        &self,
        child: &mut Child,
        task: &ClaimedTask,
        context: &TaskContext<'_>,
        output: &mut Output,
        tail: &mut StderrTail,
    ) -> io::Result<End> {
        let leader = child.id().ok_or_else(|| io::Error::other("it has no process id"))?;
        let attempt = Attempt { task_id: task.task_id.clone(), attempt: task.attempt };
        let tree = ProcessTree::of_attempt(&attempt, &self.instance_id).with_session(leader);
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut streams = pin!(async {
            tokio::join!(feed(stdin, &task.content), output.read(stdout), tail.read(stderr));
        });
        let ending = async {
            let end = self.wait_for_end(leader, context).await;
            // Before the child is waited for: its number is still its own, and so is its session's.
            tree.kill(self.kill_grace).await;
            end
        };
        let mut ending = pin!(ending);
        let mut streaming = true;
        let end = loop {
            tokio::select! {
                end = &mut ending => break end,
                () = &mut streams, if streaming => streaming = false,
            }
        };
        if streaming && tokio::time::timeout(PIPE_LIMIT, streams).await.is_err() {
            tracing::warn!(task = %task.task_id, "somebody still holds the agent's output open; it is cut here");
        }
        end
    }

    /// Waits until the program has exited (and is not yet waited for), or must be ended.
    async fn wait_for_end(&self, leader: u32, context: &TaskContext<'_>) -> io::Result<End> {
        let pid = i32::try_from(leader).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("no such id"))?;
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        // A pidfd is readable when its process has exited (pidfd_open(2)).
        #[expect(deprecated, reason = "the replacement is unsafe for types that swap their fd; an OwnedFd does not")]
        let exited = AsyncFd::with_interest(handle, Interest::READABLE)?;
        let time_out = async {
            match self.timeout {
                Some(limit) => {
                    tokio::time::sleep(limit).await;
                    limit
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            ready = exited.readable() => ready.map(|_| End::Exited),
            () = context.stop.cancelled() => Ok(End::Stopped),
            limit = time_out => Ok(End::TimedOut(limit)),
        }
    }
}

impl Runtime for CommandRuntime {
    fn name(&self) -> &'static str {
        "command"
    }

    fn run<'a>(&'a self, task: &'a ClaimedTask, context: &'a TaskContext<'a>) -> BoxFuture<'a, Outcome> {
        self.perform(task, context).boxed()
    }
}

/// Writes the task and closes the stream. An agent that ends, or closes its input, without having
/// read all of it knows what it does: the broken pipe is no failure.
async fn feed(stdin: Option<ChildStdin>, text: &str) {
    let Some(mut stdin) = stdin else { return };
    if let Err(error) = stdin.write_all(text.as_bytes()).await {
        tracing::debug!(%error, "the agent did not read the whole task");
    }
}

/// The code and the words for a bad end.
fn describe(status: ExitStatus) -> (&'static str, String) {
    match (status.code(), status.signal()) {
        (Some(code), _) => ("exit_status", format!("the agent ended with exit status {code}")),
        (None, Some(signal)) => ("signal", format!("the agent was ended by signal {signal}")),
        (None, None) => ("exit_status", format!("the agent ended with {status}")),
    }
}

fn failed(code: &str, message: String, retryable: bool) -> Outcome {
    Outcome::Failed(TaskError { code: code.to_owned(), message, retryable })
}
