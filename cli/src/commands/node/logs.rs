use std::path::PathBuf;
use std::pin::pin;

use futures_util::StreamExt as _;
use std::process::ExitCode;

use super::NodeReference;
use crate::context::Context;
use crate::failure::Outcome;
use crate::supervisor_client::{LogQuery, SupervisorClient};

/// Show a node's log
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
    /// How many of the newest lines
    #[arg(long, short = 'n', default_value_t = 30)]
    lines: usize,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let project = arguments.node.target(context).project;
    print(context, Some(&arguments.node.name), project, &arguments.reading).await
}

/// Prints the log of the node `name`, or of the hub. With `--json` each line is a document of its own.
pub(crate) async fn print(
    context: &Context,
    name: Option<&str>,
    project: Option<PathBuf>,
    reading: &Reading,
) -> Outcome {
    let query = LogQuery { project, lines: reading.lines, follow: reading.follow };
    let supervisor = SupervisorClient::require(&context.environment).await?;
    let mut lines = pin!(supervisor.logs(name, &query).await?);
    while let Some(line) = lines.next().await {
        let line = line?;
        if context.printer.json {
            context.printer.data(&serde_json::to_string(&line)?)?;
        } else {
            context.printer.data(&line.line)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
