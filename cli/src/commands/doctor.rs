//! The doctor's questions, answers and repairs are in `anet-supervisor`; here it is given what it needs to know, its
//! findings are printed, and what only this program can repair is repaired.

mod mend;
mod patient;
mod report;
mod settle;

use std::process::ExitCode;

use anet_protocol::exit_code::CommandExit;
use anet_supervisor::doctor::{Severity, examine, unknown_names};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use mend::Mended;

/// How often is looked again after repairs: a repair can bring to light what it had hidden, such as a refused token
/// behind a file that could not be read.
const ROUNDS: usize = 4;

/// Look for what is wrong on this machine, and mend it
///
/// Looks at settings, login, hub, supervisor, nodes, tokens, files, programs and room on disk, and changes nothing. Each
/// line says what was seen; below a warning or an error stand why it matters and the command that mends it. docs/doctor.md
/// lists every check.
///
/// Exits with 1 if there is an error; with --fix, if any error or warning is left.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Repair what can be repaired safely, tell how it was and how it is, and look again
    #[arg(long)]
    fix: bool,
    /// Look at these nodes alone [default: those of this project and all that the supervisor knows]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let mut mended: Vec<Mended> = Vec::new();
    let mut patient = patient::describe(context, &arguments.names).await?;
    let unknown = unknown_names(&patient);
    if !unknown.is_empty() {
        let text = format!("no node {} is here or known to the supervisor; nothing was looked at", unknown.join(", "));
        return Err(Failure::no_such_node(text).hint("`anet node ls` lists the nodes of this machine"));
    }
    let mut findings = examine(&patient).await;
    if arguments.fix {
        for _ in 0..ROUNDS {
            let repaired = mend::all(context, &patient.database, &findings, &mended).await;
            let is_as_it_was = repaired.iter().all(Mended::is_failure);
            if !is_as_it_was {
                settle::wait(context, &repaired).await?;
            }
            mended.extend(repaired);
            if is_as_it_was {
                break;
            }
            patient = patient::describe(context, &arguments.names).await?;
            findings = examine(&patient).await;
        }
    }
    report::print(context, &findings, &mended)?;
    let worst = findings.iter().map(|finding| finding.severity).max();
    Ok(ExitCode::from(exit(worst, arguments.fix).code()))
}

/// Without `--fix` a warning is advice; with it, everything that is left is told by the exit code.
fn exit(worst: Option<Severity>, fix: bool) -> CommandExit {
    match worst {
        Some(Severity::Error) => CommandExit::Failed,
        Some(Severity::Warning) if fix => CommandExit::Failed,
        _ => CommandExit::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_after_fix_is_told_by_the_exit_code() {
        for (worst, fix, expected) in [
            (None, false, CommandExit::Done),
            (Some(Severity::Fact), true, CommandExit::Done),
            (Some(Severity::Warning), false, CommandExit::Done),
            (Some(Severity::Warning), true, CommandExit::Failed),
            (Some(Severity::Error), false, CommandExit::Failed),
            (Some(Severity::Error), true, CommandExit::Failed),
        ] {
            assert_eq!(exit(worst, fix), expected, "{worst:?} {fix}");
        }
    }
}
