//! The logs of the hub, a node or a program: the last lines, and those to come.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use anet_protocol::control::{ControlErrorCode, LogLine, LogStream, NodeTarget};
use anet_protocol::redaction::Redactor;
use anet_protocol::time::Timestamp;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use serde::Deserialize;

use super::events::KEEP_ALIVE;
use super::input::{NodeName, Options};
use crate::launch::hub;
use crate::logs::{Cursor, Filter, Follow, From, LOOK_INTERVAL, Line, Update, updates};
use crate::refusal::Refusal;
use crate::registry::Registry;

/// As the CLI's default.
const DEFAULT_LINES: usize = 30;
const MOST_LINES: usize = 100_000;

/// The last lines that fit, and with `follow` those to come. `after`, or the header `Last-Event-ID`,
/// goes on behind a line whose `id` was that.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogOptions {
    project: Option<PathBuf>,
    lines: Option<usize>,
    #[serde(default)]
    follow: bool,
    since: Option<Timestamp>,
    grep: Option<String>,
    stream: Option<LogStream>,
    after: Option<String>,
}

pub(super) async fn hub(
    State(registry): State<Arc<Registry>>,
    headers: HeaderMap,
    Options(options): Options<LogOptions>,
) -> Result<Response, Refusal> {
    let directory = hub::log_directory(&registry.context.paths);
    stream(&registry, directory, Redactor::default(), &options, &headers)
}

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    headers: HeaderMap,
    NodeName(name): NodeName,
    Options(options): Options<LogOptions>,
) -> Result<Response, Refusal> {
    let node = registry.find(&name, &NodeTarget { project: options.project.clone() })?;
    let redactor = Redactor::new(node.program.secrets(&registry.context.settings));
    stream(&registry, node.program.log_directory(), redactor, &options, &headers)
}

/// Nothing is read but when the client takes it: one that is slow or gone costs nothing.
fn stream(
    registry: &Registry,
    directory: PathBuf,
    redactor: Redactor,
    options: &LogOptions,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let invalid = |error: String| Refusal::new(ControlErrorCode::InvalidInput, error);
    let filter = Filter::new(options.since, options.grep.as_deref(), options.stream)
        .map_err(|error| invalid(format!("the pattern is none: {error}")))?;
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let from = match options.after.as_deref().or(last_id) {
        Some(after) => From::Cursor(after.parse::<Cursor>().map_err(|error| invalid(error.to_string()))?),
        None => From::Last(options.lines.unwrap_or(DEFAULT_LINES).min(MOST_LINES)),
    };
    let leave = registry.leave.clone();
    let redactor = Arc::new(redactor);
    let context = &registry.context;
    let follow = options.follow.then(|| Follow {
        changes: context.directory_watcher.changes(directory.clone(), LOOK_INTERVAL),
        reader: context.log_readers.of(&directory, &redactor),
    });
    let body = async_stream::stream! {
        let mut updates = std::pin::pin!(updates(directory, from, filter, follow, KEEP_ALIVE));
        while let Some(Some(update)) = leave.run_until_cancelled(updates.next()).await {
            yield Ok::<_, Infallible>(frames(&update, &redactor));
        }
    };
    Ok(([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")], Body::from_stream(body))
        .into_response())
}

/// An update as server-sent events, one a line; a comment when there is nothing to tell.
fn frames(update: &Update, redactor: &Redactor) -> String {
    let mut text = String::new();
    for line in update {
        text.push_str(line.frame(|line| frame(line, redactor)));
    }
    if text.is_empty() { ":\n\n".to_owned() } else { text }
}

fn frame(line: &Line, redactor: &Redactor) -> String {
    match serde_json::to_string(&shown(line, redactor)) {
        Ok(data) => format!("id: {}\ndata: {data}\n\n", line.cursor),
        Err(error) => {
            tracing::error!(%error, "a log line cannot be written");
            String::new()
        }
    }
}

/// Redacted once more: the values may have become known after the line was kept.
fn shown(line: &Line, redactor: &Redactor) -> LogLine {
    let entry = &line.entry;
    let text = if entry.is_cut { redactor.redact_cut(&entry.text) } else { redactor.redact(&entry.text) };
    LogLine { line: text.into_owned(), at: entry.at.clone(), stream: entry.stream, incarnation: entry.incarnation }
}
