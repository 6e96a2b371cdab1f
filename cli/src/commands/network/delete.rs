use anet_protocol::rest::DeleteNetwork;
use std::process::ExitCode;

use super::{info, leave_behind, meant};
use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// Delete a network with everything in it
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The network, by name or id
    #[arg(value_name = "NAME|ID")]
    network_name: String,
    /// Do it, also while agents are connected; without this the command only says what it would do
    #[arg(long, visible_alias = "yes")]
    force: bool,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let hub = context.hub()?;
    let network = meant(context, &hub, Some(&arguments.network_name)).await?;
    let answer = hub.network(&network.network_id).await?;
    let (name, id) = (&network.network_name, &network.network_id);
    context.printer.note(&format!("{name} ({id}) holds {}", info::holdings(&answer.stats)))?;
    context.printer.note(&format!("tasks in it: {}", info::tasks(&answer.stats)))?;
    if !arguments.force {
        return Err(Failure::message(format!("nothing was done to {name}")).hint(format!(
            "`anet network delete {id} --force` will delete it with all of that, and revoke the tokens in it"
        )));
    }
    let deleted = hub.delete_network(id, &DeleteNetwork { force: true }).await?;
    context.printer.note(&format!("{name} is deleted, {} token(s) revoked", deleted.tokens_revoked))?;
    leave_behind(context, &hub, id).await?;
    if context.printer.json {
        context.printer.document(&deleted)?;
    }
    Ok(ExitCode::SUCCESS)
}
