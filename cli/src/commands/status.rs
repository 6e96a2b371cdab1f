use anet_protocol::rest::NodeQuery;
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;
use crate::supervisor_client::SupervisorClient;

pub(super) async fn run(context: &Context) -> Outcome {
    let hub = context.hub()?;
    let query = NodeQuery { network_id: context.network().await?, ..NodeQuery::default() };
    let status = hub.status(&query).await?;
    let health = hub.health().await?;
    let supervisor = match SupervisorClient::connect(&context.environment).await? {
        Some(client) => Some(client.status().await?),
        None => None,
    };
    let document = serde_json::json!({
        "hub": { "url": hub.url(), "health": health },
        "supervisor": supervisor,
        "sessions": status.sessions,
        "summary": status.summary,
        "tasks": status.tasks,
    });
    context.printer.either(&document, || {
        let supervisor = supervisor.as_ref().map_or_else(
            || "not running".to_owned(),
            |supervisor| format!("running (pid {}, since {} UTC)", supervisor.pid, supervisor.since),
        );
        let counts = status.tasks.iter().filter(|row| row.count > 0).map(|row| format!("{} {}", row.count, row.status));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let summary = &status.summary;
        let rows = status.sessions.iter().map(|node| {
            [
                node.alias.to_string(),
                node.status.as_str().to_owned(),
                if node.connected { "connected" } else { "-" }.to_owned(),
                node.inbox_count.to_string(),
                node.last_seen_at.map_or_else(|| "never".to_owned(), |time| time.to_string()),
            ]
        });
        let mut text = format!(
            "Hub:        {} (version {}, up {} s)\nSupervisor: {supervisor}\nAgents:     {} idle, {} working, {} offline\nTasks:      {}",
            hub.url(),
            health.version,
            health.uptime,
            summary.idle,
            summary.working,
            summary.offline,
            if counts.is_empty() { "none" } else { &counts },
        );
        if !status.sessions.is_empty() {
            text.push_str("\n\n");
            text += &context.printer.table(["AGENT", "STATUS", "LINK", "WAITING", "LAST SEEN (UTC)"], rows);
        }
        text
    })?;
    Ok(ExitCode::SUCCESS)
}
