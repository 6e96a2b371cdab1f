use anet_protocol::rest::TaskQuery;
use anet_protocol::task_state::{STATES, TaskState};
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;
use crate::printer::head;

/// List tasks, newest first
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only tasks in this state, such as running or failed
    #[arg(value_parser = parse_state)]
    status: Option<TaskState>,
    /// Only tasks in this state (the same as the argument)
    #[arg(long = "status", value_name = "STATUS", conflicts_with = "status", value_parser = parse_state)]
    status_flag: Option<TaskState>,
    /// At most this many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Only tasks to this agent
    #[arg(long, value_name = "ALIAS")]
    to: Option<String>,
    /// Only tasks from this sender
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// Only the parts of this task
    #[arg(long, value_name = "TASK")]
    parent: Option<String>,
    /// Where the page before ended, as it said
    #[arg(long)]
    cursor: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let query = TaskQuery {
        task_id: None,
        status: arguments.status.or(arguments.status_flag),
        to_name: arguments.to,
        from_name: arguments.from,
        parent_task_id: arguments.parent.map(Into::into),
        network_id: context.network().await?,
        limit: Some(arguments.limit),
        cursor: arguments.cursor,
    };
    let list = context.hub()?.tasks(&query).await?;
    context.printer.either(&list, || {
        let rows = list.tasks.iter().map(|task| {
            [
                task.task_id.to_string(),
                task.status.to_string(),
                task.from_name.clone(),
                task.to_name.to_string(),
                task.created_at.to_string(),
                head(&task.content, 60),
            ]
        });
        context.printer.table(["TASK", "STATUS", "FROM", "TO", "CREATED (UTC)", "CONTENT"], rows)
    })?;
    if !context.printer.json {
        if list.tasks.is_empty() {
            context.printer.note("no tasks")?;
        }
        if let Some(cursor) = &list.page.next_cursor {
            context.printer.hint(&format!("more: repeat with `--cursor {cursor}`"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn parse_state(word: &str) -> Result<TaskState, String> {
    TaskState::parse(word).ok_or_else(|| format!("use one of {}", STATES.map(TaskState::as_str).join(", ")))
}
