//! The logs of the hub or a node: the last lines, and those to come.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use anet_protocol::control::{LogLine, NodeTarget};
use anet_protocol::redaction::Redactor;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt as _};
use serde::Deserialize;

use super::events::KEEP_ALIVE;
use super::input::{NodeName, Options};
use crate::launch::hub;
use crate::logs::{LOOK_INTERVAL, lines};
use crate::refusal::Refusal;
use crate::registry::Registry;

/// As the CLI's default.
const DEFAULT_LINES: usize = 30;
const MOST_LINES: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogOptions {
    project: Option<PathBuf>,
    lines: Option<usize>,
    #[serde(default)]
    follow: bool,
}

pub(super) async fn hub(
    State(registry): State<Arc<Registry>>,
    Options(options): Options<LogOptions>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let directory = hub::log_directory(&registry.context.paths);
    stream(&registry, directory, Redactor::default(), &options)
}

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    NodeName(name): NodeName,
    Options(options): Options<LogOptions>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Refusal> {
    let node = registry.find(&name, &NodeTarget { project: options.project.clone() })?;
    let redactor = Redactor::new(node.program.secrets());
    Ok(stream(&registry, node.program.log_directory(), redactor, &options))
}

/// Nothing is read but when the client takes it: one that is slow or gone costs nothing.
fn stream(
    registry: &Registry,
    directory: PathBuf,
    redactor: Redactor,
    options: &LogOptions,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let leave = registry.leave.clone();
    let watcher = &registry.context.directory_watcher;
    let changes = options.follow.then(|| watcher.changes(directory.clone(), LOOK_INTERVAL));
    let count = options.lines.unwrap_or(DEFAULT_LINES).min(MOST_LINES);
    let stream = async_stream::stream! {
        let mut lines = std::pin::pin!(lines(directory, count, changes));
        while let Some(Some(line)) = leave.run_until_cancelled(lines.next()).await {
            let line = LogLine { line: redactor.redact_cut(&line).into_owned() };
            match Event::default().json_data(&line) {
                Ok(event) => yield Ok(event),
                Err(error) => tracing::error!(%error, "a log line cannot be written"),
            }
        }
    };
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}
