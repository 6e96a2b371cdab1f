use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;

pub(super) async fn run(context: &Context) -> Outcome {
    let hub = context.hub()?;
    let me = hub.me().await?;
    let current = me.current_network.clone().or(context.network()?);
    context.printer.either(&me, || {
        let networks = me.networks.iter().map(|network| {
            let role = network.member_role.map_or("not a member", |role| role.as_str());
            let mark = if current.as_ref() == Some(&network.network_id) { "  ← current" } else { "" };
            format!("\n  {} ({}, {role}){mark}", network.network_name, network.network_id)
        });
        format!(
            "User: {} ({})\nRole: {}\nHub: {}\nNetworks:{}",
            me.user.username,
            me.user.user_id,
            me.user.role.as_str(),
            hub.url(),
            networks.collect::<String>()
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
