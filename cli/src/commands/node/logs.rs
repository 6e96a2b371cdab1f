use std::path::PathBuf;
use std::pin::pin;

use anet_protocol::Clock as _;
use anet_protocol::control::{LogLine, LogStream};
use anet_protocol::exit_code::CommandExit;
use anet_protocol::time::Timestamp;
use futures_util::StreamExt as _;
use std::process::ExitCode;

use super::NodeReference;
use super::info::HUB;
use crate::context::Context;
use crate::duration;
use crate::failure::{Failure, Outcome};
use crate::supervisor_client::{LogQuery, SupervisorClient};
use crate::system::SystemClock;

/// Lines shown when nobody says how many.
const DEFAULT_LINES: usize = 30;
/// The same with --since, which says it in another way.
const MOST_LINES: usize = 100_000;

/// Show the log of a node or program, or of the `hub`: what it wrote to its standard output and error, and its own log, merged by time
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    node: NodeReference,
    #[command(flatten)]
    reading: Reading,
}

/// Which part of a log.
#[derive(Debug, clap::Args)]
pub(crate) struct Reading {
    /// Go on with lines as they are written, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// How many of the newest lines [default: 30, with --since all]
    #[arg(long, short = 'n', value_name = "N")]
    lines: Option<usize>,
    /// Only lines since then: `10m`, `2h`, `3d`, or a time such as 2026-11-22T05:43:55Z
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<Timestamp>,
    /// Only lines in which this regular expression is found
    #[arg(long, value_name = "REGEX")]
    grep: Option<String>,
    /// Only what it wrote to its standard output (`out`) or error (`err`), or into its own log (`log`)
    #[arg(long, value_name = "out|err|log", value_parser = parse_stream)]
    stream: Option<LogStream>,
    /// Go on behind the line whose `id` was this in the output of --json
    #[arg(long, value_name = "ID", conflicts_with_all = ["lines"])]
    after: Option<String>,
}

/// A length of time before now, or a time.
fn parse_since(text: &str) -> Result<Timestamp, String> {
    if let Ok(ago) = duration::parse_with_unit(text) {
        return Ok(SystemClock.now().minus(ago));
    }
    Timestamp::parse(text).map_err(|_| "use a time such as 10m, 2h, 3d or 2026-11-22T05:43:55Z".to_owned())
}

fn parse_stream(text: &str) -> Result<LogStream, String> {
    LogStream::from_word(text).ok_or_else(|| "it is one of out, err, log".to_owned())
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let project = arguments.node.target(context).project;
    let is_hub = arguments.node.name == HUB && project.is_none();
    if is_hub
        && SupervisorClient::require(&context.environment)
            .await?
            .nodes()
            .await?
            .nodes
            .iter()
            .all(|node| node.name != HUB)
    {
        return print(context, None, None, &arguments.reading).await;
    }
    print(context, Some(&arguments.node.name), project, &arguments.reading).await
}

/// Prints the log of the node or program `name`, or of the hub. With `--json` each line is a document of its own.
pub(crate) async fn print(
    context: &Context,
    name: Option<&str>,
    project: Option<PathBuf>,
    reading: &Reading,
) -> Outcome {
    let default_lines = if reading.since.is_some() { MOST_LINES } else { DEFAULT_LINES };
    let query = LogQuery {
        project,
        lines: reading.lines.unwrap_or(default_lines),
        follow: reading.follow,
        since: reading.since.map(Timestamp::to_rfc3339),
        grep: reading.grep.clone(),
        stream: reading.stream,
        after: reading.after.clone(),
    };
    let supervisor = SupervisorClient::require(&context.environment).await?;
    let lines = supervisor.logs(name, &query).await.map_err(|failure| usage_if_it_does_not_fit(failure, reading))?;
    let mut lines = pin!(lines);
    while let Some(line) = lines.next().await {
        let (id, line) = line?;
        if context.printer.json {
            let mut document = serde_json::to_value(&line)?;
            document["id"] = id.into();
            context.printer.data(&document.to_string())?;
        } else {
            context.printer.data(&text(&line))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the supervisor cannot read of what was typed is a fault of the command line.
fn usage_if_it_does_not_fit(failure: Failure, reading: &Reading) -> Failure {
    let is_typed = reading.grep.is_some() || reading.after.is_some();
    let is_invalid = failure.code.as_deref() == Some("invalid_input");
    if is_typed && is_invalid { Failure { exit: CommandExit::Usage, ..failure } } else { failure }
}

/// A line for people. A log that the process writes itself begins with its own time.
fn text(line: &LogLine) -> String {
    match (&line.at, line.stream) {
        (Some(at), LogStream::Out | LogStream::Err) => format!("{at} {} {}", line.stream.word(), line.line),
        _ => line.line.clone(),
    }
}
