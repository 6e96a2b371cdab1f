use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;

pub(super) async fn run(context: &Context) -> Outcome {
    let hub = context.hub()?;
    let mut me = hub.me().await?;
    // A token that is bound to no network acts in the one that was chosen here.
    me.current_network = me.current_network.or(context.network().await?);
    context.printer.either(&me, || {
        let networks = me.networks.iter().map(|network| {
            let role = network.member_role.map_or("not a member", |role| role.as_str());
            let mark = if me.current_network.as_ref() == Some(&network.network_id) { "  ← current" } else { "" };
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
    if me.user.must_change_password {
        context.printer.warning("the password was made for you, or is weak; choose your own with `anet passwd`")?;
    }
    Ok(ExitCode::SUCCESS)
}
