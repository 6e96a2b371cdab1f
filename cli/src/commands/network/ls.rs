use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;

pub(super) async fn run(context: &Context) -> Outcome {
    let list = context.hub()?.networks().await?;
    let current = context.network().await?;
    context.printer.either(&list, || {
        let rows = list.networks.iter().map(|network| {
            [
                network.network_name.clone(),
                network.member_role.map_or("-", |role| role.as_str()).to_owned(),
                network.network_id.to_string(),
                if current.as_ref() == Some(&network.network_id) { "← current" } else { "" }.to_owned(),
            ]
        });
        context.printer.table(["NETWORK", "ROLE", "ID", ""], rows)
    })?;
    if list.networks.is_empty() && !context.printer.json {
        context.printer.note("no networks")?;
        context
            .printer
            .hint("create one with `anet network create NAME`, or join one with `anet network join CODE`")?;
    }
    Ok(ExitCode::SUCCESS)
}
