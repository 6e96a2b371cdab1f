use std::process::ExitCode;

use anet_protocol::rest::NetworkStats;

use super::meant;
use crate::context::Context;
use crate::failure::Outcome;

/// Show a network and what it holds
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The network, by name or id [default: the current one]
    #[arg(value_name = "NAME|ID")]
    network_name: Option<String>,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let hub = context.hub()?;
    let network = meant(context, &hub, arguments.network_name.as_deref()).await?;
    let answer = hub.network(&network.network_id).await?;
    context.printer.either(&answer, || {
        let network = &answer.network;
        format!(
            "Network:     {}\nId:          {}\nOwner:       {}\nYour role:   {}\nDescription: {}\nCreated:     {} UTC\nHolds:       {}\nTasks:       {}",
            network.network_name,
            network.network_id,
            network.owner_id,
            network.member_role.map_or("not a member", |role| role.as_str()),
            network.description.as_deref().unwrap_or("-"),
            network.created_at,
            holdings(&answer.stats),
            tasks(&answer.stats),
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What a network holds, in a line.
pub(super) fn holdings(stats: &NetworkStats) -> String {
    format!(
        "{} node(s), {} of them connected; {} member(s), {} message(s), {} open invite(s)",
        stats.nodes, stats.sessions, stats.members, stats.messages, stats.invites
    )
}

/// Its tasks by state, in a line.
pub(super) fn tasks(stats: &NetworkStats) -> String {
    let counts = stats.tasks.iter().filter(|row| row.count > 0).map(|row| format!("{} {}", row.count, row.status));
    let counts = counts.collect::<Vec<_>>().join(", ");
    if counts.is_empty() { "none".to_owned() } else { counts }
}
