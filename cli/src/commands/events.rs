use std::collections::VecDeque;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anet_protocol::control::{EventQuery, Happening, ProcessState, SupervisorEvent, TokenState, state_word};
use anet_protocol::notification::Link;
use futures_util::StreamExt as _;

use super::node::info::HUB;
use super::node::words;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::supervisor_client::{EventItem, SupervisorClient};

/// How long to wait before a supervisor that went away is looked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// Show what happened to hub and nodes: every start, end and change of state, with its reason
///
/// Also links to the hub that were lost and regained, tokens that were refused and replaced, and what was adopted by a new
/// supervisor. /// With --json each event is a document of its own. Its `cursor` is what --since takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only events of this node, or of `hub`
    name: Option<String>,
    /// Go on with events as they happen, until Ctrl-C, also over restarts of the supervisor
    #[arg(long, short)]
    follow: bool,
    /// Everything after this cursor; where that is not known any more, a gap is told first
    #[arg(long, value_name = "CURSOR", value_parser = parse_cursor)]
    since: Option<String>,
    /// How many of the newest events, without --since
    #[arg(long, short = 'n', default_value_t = 30)]
    lines: usize,
}

/// A cursor as events carry it: (start of the supervisor, number).
fn parse_cursor(text: &str) -> Result<String, String> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_cursor = text.split_once('-').is_some_and(|(epoch, number)| is_number(epoch) && is_number(number));
    if is_cursor { Ok(text.to_owned()) } else { Err("use the `cursor` of an event, as --json shows it".to_owned()) }
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
    let client = SupervisorClient::require(&context.environment).await?;
    let is_known = match &arguments.name {
        Some(name) => is_known(&client, name).await?,
        None => true,
    };
    if !is_known && arguments.follow {
        return Err(nobody(arguments.name.as_deref().unwrap_or_default()));
    }
    let mut supervisor = Some(client);
    let mut is_away = false;
    loop {
        if let Some(client) = supervisor.take() {
            is_away = false;
            let told = print(context, &client, &mut query, arguments.name.as_deref(), most).await?;
            if told == 0 && !is_known {
                return Err(nobody(arguments.name.as_deref().unwrap_or_default()));
            }
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

/// Whether the hub or a node of the supervisor has this name. One that was deleted may still have events.
async fn is_known(client: &SupervisorClient, name: &str) -> Result<bool, Failure> {
    Ok(name == HUB || client.nodes().await?.nodes.iter().any(|node| node.name == name))
}

fn nobody(name: &str) -> Failure {
    Failure::no_such_node(format!("no node is named {name}, and nothing is known to have happened to one"))
        .hint("`anet node ls` lists the nodes of this machine; the hub is `hub`")
}

/// Prints what one supervisor tells, `most` of the newest unless it is followed, until it has no more to say; `query`
/// then goes on from there. How many events it was.
async fn print(
    context: &Context,
    client: &SupervisorClient,
    query: &mut EventQuery,
    name: Option<&str>,
    most: usize,
) -> Result<usize, Failure> {
    let mut told = 0;
    let mut events = pin!(client.events(query).await?);
    let mut newest = VecDeque::new();
    while let Some(item) = events.next().await {
        match item {
            Ok(EventItem::Event(event)) => {
                query.since = Some(event.cursor.clone());
                query.lines = None;
                if name.is_none_or(|name| name == event.name) {
                    told += 1;
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
    newest.iter().try_for_each(|event| show(context, event))?;
    Ok(told)
}

fn show(context: &Context, event: &SupervisorEvent) -> Result<(), Failure> {
    if context.printer.json {
        return Ok(context.printer.data(&serde_json::to_string(event)?)?);
    }
    let by = event.by.as_ref().map_or_else(String::new, |by| format!(" (asked by {})", by.describe()));
    let line = format!("{}  {}  {}  {}{by}", event.at, event.name, word(event), details(event));
    Ok(context.printer.data(line.trim_end())?)
}

/// What happened, in one word.
fn word(event: &SupervisorEvent) -> &str {
    match &event.happening {
        Happening::State | Happening::Unknown => state_word(&event.process, None, None),
        Happening::Adopted => "adopted",
        Happening::FoundDead => "found-dead",
        Happening::Link { .. } => "link",
        Happening::Token { .. } => "token",
        Happening::Login => "login",
    }
}

fn details(event: &SupervisorEvent) -> String {
    match &event.happening {
        Happening::State | Happening::FoundDead | Happening::Unknown => of_process(&event.process),
        Happening::Adopted => format!("{}, {}", event.process.word(), of_process(&event.process)),
        Happening::Link { link: Link::Connected } => "regained".to_owned(),
        Happening::Link { link } => format!("lost: {}", link.as_str()),
        Happening::Token { token: None } => "works again".to_owned(),
        Happening::Token { token: Some(TokenState::Repairing) } => "is being replaced".to_owned(),
        Happening::Token { token: Some(TokenState::AuthBlocked { reason, hint }) } => {
            format!("refused, and a person must log in: {reason} ({hint})")
        }
        Happening::Token { token: Some(TokenState::NeedsAttention { reason, hint }) } => {
            format!("refused, and a person must mend it: {reason} ({hint})")
        }
        Happening::Token { token: Some(TokenState::Waiting { reason, until }) } => {
            format!("not replaced yet, next try {until} UTC: {reason}")
        }
        Happening::Login => "changed, the token is looked at again".to_owned(),
    }
}

fn of_process(process: &ProcessState) -> String {
    match process {
        ProcessState::Stopped { last_exit: Some(exit), .. } => words::end(exit),
        ProcessState::Backoff { attempt, last_exit, until } => {
            format!("failure {attempt}, next start {until} UTC; {}", words::end(last_exit))
        }
        ProcessState::Stopping { pid, asked: Some(asked), .. } => format!("process {pid}, {}", asked.describe()),
        ProcessState::NeedsAttention { reason, .. } | ProcessState::Waiting { reason, .. } => reason.clone(),
        process => process.pid().map_or_else(String::new, |pid| format!("process {pid}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_two_numbers() {
        assert_eq!(parse_cursor("1795326235000-7"), Ok("1795326235000-7".to_owned()));
        for text in ["", "xx", "7", "-7", "7-", "7-x", "1-2-3", "10m"] {
            assert!(parse_cursor(text).is_err(), "{text}");
        }
    }
}
