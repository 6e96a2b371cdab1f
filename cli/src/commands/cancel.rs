use anet_protocol::id::TaskId;
use anet_protocol::rest::CancelTask;
use std::process::ExitCode;

use super::parse_id;
use crate::context::Context;
use crate::failure::Outcome;

/// Call a task off; an agent that works on it is told to stop
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The task's id
    #[arg(value_parser = parse_id::<TaskId>)]
    task_id: TaskId,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let request = CancelTask { reason: arguments.reason };
    let task = context.hub_or_task()?.cancel_task(&arguments.task_id, &request).await?;
    context.printer.note(&format!("task {} is {}", task.task_id, task.status))?;
    if context.printer.json {
        context.printer.document(&task)?;
    }
    Ok(ExitCode::SUCCESS)
}
