use anet_protocol::rest::JoinNetwork;
use std::process::ExitCode;

use super::choose;
use crate::context::Context;
use crate::failure::Outcome;

/// Join a network by an invite, and act in it from now on
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The invite's code
    #[arg(value_name = "CODE")]
    invite_code: String,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let request = JoinNetwork { invite_code: arguments.invite_code };
    let joined = context.hub()?.join_network(&request).await?;
    context.printer.note(&format!("joined {} as {}", joined.network_name, joined.role.as_str()))?;
    choose(context, &joined.network_id, &joined.network_name)?;
    if context.printer.json {
        context.printer.document(&joined)?;
    }
    Ok(ExitCode::SUCCESS)
}
