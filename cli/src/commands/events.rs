use std::collections::VecDeque;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anet_protocol::control::{EventQuery, ProcessState, SupervisorEvent, state_word};
use futures_util::StreamExt as _;

use super::node::words;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::supervisor_client::{EventItem, SupervisorClient};

/// How long to wait before a supervisor that went away is looked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// Show what happened to hub and nodes: every start, end and change of state, with its reason
///
/// With --json each event is a document of its own. Its `cursor` is what --since takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only events of this node, or of `hub`
    name: Option<String>,
    /// Go on with events as they happen, until Ctrl-C, also over restarts of the supervisor
    #[arg(long, short)]
    follow: bool,
    /// Everything after this cursor; where that is not known any more, a gap is told first
    #[arg(long, value_name = "CURSOR")]
    since: Option<String>,
    /// How many of the newest events, without --since
    #[arg(long, short = 'n', default_value_t = 30)]
    lines: usize,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let most = if arguments.since.is_some() { usize::MAX } else { arguments.lines };
    // Those of one name are counted here, so all that are known are asked for.
    let lines = if arguments.name.is_some() { usize::MAX } else { arguments.lines };
    let mut query = EventQuery {
        lines: arguments.since.is_none().then_some(lines),
        since: arguments.since,
        follow: arguments.follow,
    };
    let mut supervisor = Some(SupervisorClient::require(&context.environment).await?);
    let mut is_away = false;
    loop {
        if let Some(client) = supervisor.take() {
            is_away = false;
            print(context, &client, &mut query, arguments.name.as_deref(), most).await?;
        }
        if !arguments.follow {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(PAUSE).await;
        supervisor = SupervisorClient::connect(&context.environment).await?;
        if supervisor.is_none() && !is_away {
            context.printer.warning("the supervisor is away; still trying")?;
            is_away = true;
        }
    }
}

/// Prints what one supervisor tells, `most` of the newest unless it is followed, until it has no more to say; `query`
/// then goes on from there.
async fn print(
    context: &Context,
    client: &SupervisorClient,
    query: &mut EventQuery,
    name: Option<&str>,
    most: usize,
) -> Result<(), Failure> {
    let mut events = pin!(client.events(query).await?);
    let mut newest = VecDeque::new();
    while let Some(item) = events.next().await {
        match item {
            Ok(EventItem::Event(event)) => {
                query.since = Some(event.cursor.clone());
                query.lines = None;
                if name.is_none_or(|name| name == event.name) {
                    newest.push_back(event);
                }
                // While following, the next one may be long in coming.
                let kept = if query.follow { 0 } else { most };
                while newest.len() > kept {
                    let event = newest.pop_front();
                    if query.follow {
                        event.iter().try_for_each(|event| show(context, event))?;
                    }
                }
            }
            Ok(EventItem::Gap(gap)) if context.printer.json => context.printer.data(&serde_json::to_string(&gap)?)?,
            Ok(EventItem::Gap(_)) => {
                context.printer.warning("a gap: not everything since then is known any more; this is what is")?;
            }
            // The supervisor went away in the middle; it may come back.
            Err(failure) if query.follow => {
                context.printer.warning(&format!("{:#}", failure.error))?;
                break;
            }
            Err(failure) => return Err(failure),
        }
    }
    newest.iter().try_for_each(|event| show(context, event))
}

fn show(context: &Context, event: &SupervisorEvent) -> Result<(), Failure> {
    if context.printer.json {
        return Ok(context.printer.data(&serde_json::to_string(event)?)?);
    }
    let state = state_word(&event.process, None, None);
    let by = event.by.as_ref().map_or_else(String::new, |by| format!(" (asked by {})", by.describe()));
    let line = format!("{}  {}  {state}  {}{by}", event.at, event.name, details(&event.process));
    Ok(context.printer.data(line.trim_end())?)
}

fn details(process: &ProcessState) -> String {
    match process {
        ProcessState::Stopped { last_exit: Some(exit), .. } => words::end(exit),
        ProcessState::Backoff { attempt, last_exit, until } => {
            format!("failure {attempt}, next start {until} UTC; {}", words::end(last_exit))
        }
        ProcessState::NeedsAttention { reason, .. } | ProcessState::Waiting { reason, .. } => reason.clone(),
        process => process.pid().map_or_else(String::new, |pid| format!("process {pid}")),
    }
}
