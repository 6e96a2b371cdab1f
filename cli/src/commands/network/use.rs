use std::process::ExitCode;

use super::{choose, meant};
use crate::context::Context;
use crate::failure::Outcome;

/// Choose the network that commands act in from now on
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The network, by name or id
    #[arg(value_name = "NAME|ID")]
    network_name: String,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let network = meant(context, &context.hub()?, Some(&arguments.network_name)).await?;
    choose(context, &network.network_id, &network.network_name)?;
    if context.printer.json {
        context.printer.document(&network)?;
    }
    Ok(ExitCode::SUCCESS)
}
