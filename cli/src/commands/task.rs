use std::fmt::Write as _;

use anet_protocol::id::TaskId;
use anet_protocol::rest::{Task, TaskEventQuery, TaskEventRow};
use anet_protocol::task_state::TaskState;
use anet_protocol::time::Timestamp;
use std::process::ExitCode;

use super::parse_id;
use super::send::wait;
use crate::context::Context;
use crate::failure::Outcome;

/// Show one task and what happened to it
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The task's id
    #[arg(value_parser = parse_id::<TaskId>)]
    task_id: TaskId,
    /// Wait until the task is over
    #[arg(long)]
    wait: bool,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let hub = context.hub_or_task()?;
    let task = if arguments.wait {
        wait(&hub, &arguments.task_id, None).await?
    } else {
        hub.task(&arguments.task_id, None).await?
    };
    // A task's own socket shows the task, not the history of the network.
    let events = if context.is_inside_task() {
        Vec::new()
    } else {
        let query = TaskEventQuery { task_id: Some(task.task_id.clone()), ..TaskEventQuery::default() };
        let mut events = hub.task_events(&query).await?.events;
        events.reverse();
        events
    };
    context.printer.either(&serde_json::json!({ "task": task, "events": events }), || describe(&task, &events))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(task: &Task, events: &[TaskEventRow]) -> String {
    let mut text = format!(
        "Task:      {}\nStatus:    {}\nFrom:      {}\nTo:        {}\nPriority:  {}\nAttempt:   {} of at most {}\n",
        task.task_id,
        task.status,
        task.from_name,
        task.to_name,
        task.priority.as_str(),
        task.attempt,
        task.max_attempts,
    );
    if let Some(parent) = &task.parent_task_id {
        line(&mut text, "Part of", parent);
    }
    let stamps: [(&str, Option<Timestamp>); 8] = [
        ("Created", Some(task.created_at)),
        ("Pushed", task.pushed_at),
        ("Received", task.received_at),
        ("Acked", task.acked_at),
        ("Started", task.started_at),
        ("Completed", task.completed_at),
        ("Lease", task.lease_expires_at),
        ("Expires", Some(task.expires_at).filter(|_| task.status == TaskState::Delivered)),
    ];
    for (name, time) in stamps.into_iter().filter_map(|(name, time)| time.map(|time| (name, time))) {
        line(&mut text, name, time);
    }
    if !events.is_empty() {
        text.push_str("\nHistory:\n");
    }
    for event in events {
        let from = event.from_status.map_or("-", |state| state.as_str());
        let detail = event.detail.as_deref().map(|detail| format!("  {detail}")).unwrap_or_default();
        let change = format!("{from} -> {}", event.to_status);
        append(&mut text, format_args!("  {}  {change:<24} by {}{detail}\n", event.created_at, event.actor));
    }
    append(&mut text, format_args!("\nContent:\n{}\n", indent(&task.content)));
    if let Some(error) = &task.error {
        append(&mut text, format_args!("\nError ({}):\n{}\n", error.code, indent(&error.message)));
    } else if let Some(result) = &task.result {
        append(&mut text, format_args!("\nResult:\n{}\n", indent(result)));
    }
    for artifact in &task.artifacts {
        append(&mut text, format_args!("\nArtifact: {} ({} bytes)\n", artifact.path, artifact.bytes));
    }
    text.trim_end().to_owned()
}

fn line(text: &mut String, name: &str, value: impl std::fmt::Display) {
    append(text, format_args!("{:<11}{value}\n", format!("{name}:")));
}

fn append(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a String cannot fail");
}

fn indent(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
