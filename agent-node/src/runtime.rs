//! What does the tasks.

pub(crate) mod command;

use std::path::PathBuf;

use anet_protocol::rest::{Artifact, ClaimedTask, TaskError};
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

/// An agent runtime. One value serves all tasks of a node, several at a time.
pub(crate) trait Runtime: Send + Sync {
    /// Its name on the wire, such as `command`.
    fn name(&self) -> &'static str;

    /// Does one task. It returns when nothing of the work goes on any more, soon after
    /// `context.stop` is cancelled at the latest.
    fn run<'a>(&'a self, task: &'a ClaimedTask, context: &'a TaskContext<'a>) -> BoxFuture<'a, Outcome>;
}

/// What a runtime has beside the task.
pub(crate) struct TaskContext<'a> {
    /// The socket for delegation.
    pub(crate) socket: PathBuf,
    /// Cancelled when the work must end.
    pub(crate) stop: CancellationToken,
    /// To be called when the work has begun.
    pub(crate) started: &'a (dyn Fn() + Send + Sync),
}

/// How the work on a task ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// With a result.
    Done {
        /// What it says, at most `limit::RESULT_BYTES` long.
        text: String,
        /// What did not fit.
        artifacts: Vec<Artifact>,
    },
    /// Without one.
    Failed(TaskError),
    /// It was ended from outside.
    Stopped,
}
