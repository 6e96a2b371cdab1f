mod follow;
mod local;
mod verify;

use std::time::Duration;

use anet_protocol::Clock as _;
use anet_protocol::rest::{AuditFormat, AuditQuery, AuditRow};
use anet_protocol::time::Timestamp;
use clap::Subcommand;
use std::process::ExitCode;

use crate::context::Context;
use crate::duration;
use crate::failure::{Failure, Outcome};
use crate::printer::{head, or_dash};
use crate::system::SystemClock;

/// Show the audit log: who did what, newest first
///
/// Everybody sees the own lines; a network's owner and admins see its lines with --network; the hub's administrators
/// see all.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that no line of the log was changed or removed; exits with 1 when one was
    Verify(verify::Arguments),
}

#[derive(Debug, Default, PartialEq, Eq, clap::Args)]
struct Reading {
    /// What this machine's supervisor was asked for and by whom (uid, process, program), instead of the hub's log
    #[arg(long, conflicts_with_all = ["user", "cursor", "follow", "format"])]
    local: bool,
    /// Only this action, such as login_failed, or with --local such as restart
    #[arg(long)]
    action: Option<String>,
    /// Only what this person did
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// From this time on: `2h` or `1d` ago, or a time (UTC)
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    since: Option<Moment>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    until: Option<Moment>,
    /// At most this many: up to 200, or 10000 with --format [default: 50, or 10000 with --format]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: Option<u32>,
    /// Where the page before ended, as it said
    #[arg(long)]
    cursor: Option<String>,
    /// Go on with lines as they are written, until Ctrl-C
    #[arg(long, short, conflicts_with_all = ["cursor", "until"])]
    follow: bool,
    /// Write the lines out: csv or jsonl
    #[arg(long, conflicts_with = "follow", value_parser = parse_format)]
    format: Option<AuditFormat>,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let reading = arguments.reading;
    if let Some(Command::Verify(arguments)) = arguments.command {
        if reading != Reading::default() {
            return Err(Failure::usage("`anet audit verify` looks at the whole log and takes no filter"));
        }
        return verify::run(context, arguments).await;
    }
    if reading.local {
        return local::run(context, &reading);
    }
    let query = AuditQuery {
        limit: reading.limit,
        action: reading.action,
        user_id: None,
        username: reading.user,
        network_id: context.named_network().await?,
        since: reading.since.map(Moment::time),
        until: reading.until.map(Moment::time),
        cursor: reading.cursor,
        after: None,
        format: reading.format,
    };
    let hub = context.hub()?;
    if reading.follow {
        return follow::run(context, &hub, query).await;
    }
    if query.format.is_some() {
        let text = hub.audit_text(&query).await?;
        if !text.trim_end().is_empty() {
            context.printer.data(text.trim_end())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let list = hub.audit(&query).await?;
    context.printer.either(&list, || {
        let rows = list.logs.iter().map(|row| {
            let detail = row.detail.as_deref().unwrap_or_default();
            [
                row.id.to_string(),
                row.created_at.to_string(),
                actor(row),
                row.action.clone(),
                target(row),
                head(detail, 60),
                row.ip.clone().unwrap_or_default(),
            ]
        });
        context.printer.table(["LINE", "TIME (UTC)", "WHO", "ACTION", "TARGET", "DETAIL", "FROM"], rows)
    })?;
    if !context.printer.json {
        if list.logs.is_empty() {
            context.printer.note("no lines")?;
        }
        if query.network_id.is_none() {
            context
                .printer
                .note("without `--network` a hub's administrator reads all lines, everybody else the own ones")?;
        }
        if let Some(cursor) = &list.page.next_cursor {
            context.printer.hint(&format!("more: repeat with `--cursor {cursor}`"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Who did it: the name, else what kind of caller it was.
fn actor(row: &AuditRow) -> String {
    head(row.username.as_deref().unwrap_or(&row.actor_kind), 50)
}

fn target(row: &AuditRow) -> String {
    format!("{} {}", row.target_type, head(&or_dash(row.target_id.as_ref()), 50))
}

/// A point in time as people type it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// So long ago.
    Ago(Duration),
    /// Then.
    At(Timestamp),
}

impl Moment {
    fn time(self) -> Timestamp {
        match self {
            Self::Ago(length) => {
                SystemClock.now().plus_seconds(i64::try_from(length.as_secs()).unwrap_or(i64::MAX).saturating_neg())
            }
            Self::At(time) => time,
        }
    }
}

fn parse_moment(text: &str) -> Result<Moment, String> {
    if let Ok(length) = duration::parse_with_unit(text) {
        return Ok(Moment::Ago(length));
    }
    // A day alone means its beginning.
    let time = Timestamp::parse(text).or_else(|_| Timestamp::parse(&format!("{text} 00:00:00")));
    time.map(Moment::At).map_err(|_| "use a time ago such as 2h or 1d, or YYYY-MM-DD HH:MM:SS, or RFC 3339".to_owned())
}

fn parse_format(word: &str) -> Result<AuditFormat, String> {
    match word {
        "csv" => Ok(AuditFormat::Csv),
        "jsonl" => Ok(AuditFormat::Jsonl),
        _ => Err("use csv or jsonl; one document is `--json`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_ago_a_day_or_a_time() {
        assert_eq!(parse_moment("2h"), Ok(Moment::Ago(Duration::from_secs(7200))));
        assert_eq!(parse_moment("1d"), Ok(Moment::Ago(Duration::from_secs(86_400))));
        let day = Ok(Moment::At(Timestamp::from_millis(1_795_305_600_000)));
        for text in ["2026-11-22", "2026-11-22 00:00:00", "2026-11-22T00:00:00Z", "2026-11-22T01:00:00+01:00"] {
            assert_eq!(parse_moment(text), day, "{text}");
        }
        for text in ["", "yesterday", "7", "-2h"] {
            assert!(parse_moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_ago_lies_before_now() {
        let (now, ago) = (SystemClock.now(), Moment::Ago(Duration::from_secs(60)).time());
        assert!((59_000..61_000).contains(&now.millis_since(ago)));
    }
}
