use anet_protocol::exit_code::CommandExit;
use anet_protocol::rest::VerifyAudit;
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;

/// Check that no line of the log was changed or removed; exits with 1 when one was
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A `head` of an earlier check, kept where nobody who can write to the database can change it
    #[arg(long, value_name = "ID:HASH", value_parser = parse_anchor)]
    anchor: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let verified = context.hub()?.verify_audit(&VerifyAudit { anchor: arguments.anchor }).await?;
    context.printer.either(&verified, || {
        let condition = if verified.intact { "yes" } else { "no" };
        let head = verified.head.as_deref().unwrap_or("-");
        format!("Intact: {condition}\nLines:  {}\nHead:   {head}", verified.rows)
    })?;
    if verified.intact {
        if verified.head.is_some() && !context.printer.json {
            context.printer.hint("keep the head elsewhere; a later check takes it as `--anchor`")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let problem = verified.problem.as_deref().unwrap_or("the hub does not say what is wrong with it");
    context.printer.warning(&format!("the audit log is not as it was written: {problem}"))?;
    Ok(ExitCode::from(CommandExit::Failed.code()))
}

fn parse_anchor(text: &str) -> Result<String, String> {
    let is_anchor = text.split_once(':').is_some_and(|(id, hash)| {
        id.parse::<i64>().is_ok() && hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    if is_anchor { Ok(text.to_owned()) } else { Err("an anchor is the `head` of an earlier check, ID:HASH".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_a_line_and_its_hash() {
        assert!(parse_anchor(&format!("17:{}", "0f".repeat(32))).is_ok());
        for text in ["", "17", "17:", "x:00", "17:00"] {
            assert!(parse_anchor(text).is_err(), "{text}");
        }
    }
}
