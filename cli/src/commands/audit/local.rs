//! What was asked of this machine's own supervisor.

use std::process::ExitCode;

use anet_protocol::control::{AuditResult, LocalAuditLine};
use anet_protocol::exit_code::CommandExit;
use anyhow::Context as _;
use serde_json::json;

use super::{Moment, Reading};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::printer::{head, or_dash};

/// How many lines are shown when nobody says how many.
const DEFAULT_LINES: u32 = 50;

/// Shows the local audit log, newest first. No supervisor needs to run.
pub(super) fn run(context: &Context, reading: &Reading) -> Outcome {
    if let Some(socket) = &context.environment.supervisor {
        let text = format!("the audit log of the supervisor at {} is its owner's alone to read", socket.display());
        let (exit, code) = (CommandExit::PermissionDenied, Some("forbidden".to_owned()));
        return Err(Failure { exit, code, ..Failure::message(text) }.hint("ask its owner"));
    }
    let home = &context.environment.home;
    let mut lines = anet_supervisor::read_audit_log(home)
        .with_context(|| format!("cannot read the local audit log in {}", home.display()))?;
    let (since, until) = (reading.since.map(Moment::time), reading.until.map(Moment::time));
    lines.retain(|line| {
        reading.action.as_ref().is_none_or(|action| *action == line.action)
            && since.is_none_or(|since| line.at >= since)
            && until.is_none_or(|until| line.at < until)
    });
    lines.reverse();
    lines.truncate(usize::try_from(reading.limit.unwrap_or(DEFAULT_LINES))?);
    context.printer.either(&json!({ "logs": lines }), || {
        let header = ["TIME (UTC)", "WHO", "ACTION", "NAME", "RESULT", "PROJECT"];
        context.printer.table(header, lines.iter().map(row))
    })?;
    if !context.printer.json {
        if lines.is_empty() {
            context.printer.note("no lines")?;
        }
        context.printer.note("what this machine's supervisor was asked for; it is kept here alone, not at a hub")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(line: &LocalAuditLine) -> [String; 6] {
    let result = match &line.result {
        AuditResult::Done => "done".to_owned(),
        AuditResult::Refused { error, .. } => head(&format!("refused: {error}"), 60),
        AuditResult::Unanswered => "left before the answer".to_owned(),
    };
    [
        line.at.to_string(),
        line.by.describe(),
        line.action.clone(),
        or_dash(line.name.as_ref()),
        result,
        or_dash(line.project.as_ref().map(|project| project.display().to_string()).as_ref()),
    ]
}
