//! What is known of the hub's process, as of a node's.

use std::process::ExitCode;

use anet_protocol::control::{Desired, HubView};

use super::info::{exits, line};
use super::words;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::printer::or_dash;
use crate::supervisor_client::SupervisorClient;

/// Shows the hub that the supervisor looks after.
pub(super) async fn show(context: &Context, supervisor: Option<&SupervisorClient>) -> Outcome {
    let Some(client) = supervisor else {
        return Err(Failure::message("no supervisor runs, which would know the hub's process").hint("anet hub status"));
    };
    let hub = client.hub().await?;
    context.printer.either(&hub, || facts(&hub) + &exits(context, &hub.exits))?;
    if !context.printer.json {
        if let Some(trouble) = words::trouble(&hub.state, &hub.process) {
            context.printer.warning(&trouble)?;
        }
        context.printer.hint("`anet hub status` asks the hub itself")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn facts(hub: &HubView) -> String {
    let wanted = match hub.desired {
        Desired::Running => "running",
        Desired::Stopped => "stopped",
    };
    let process =
        hub.pid.map_or_else(|| "none".to_owned(), |pid| format!("process {pid}, start number {}", hub.incarnation));
    let life = hub.proof_of_life.map(|at| format!("last sign {at} UTC, {} ago", words::age(Some(at))));
    let rows = [
        ("Hub", or_dash(hub.url.as_ref())),
        ("State", hub.state.clone()),
        ("Wanted", wanted.to_owned()),
        ("Process", process),
        ("Life", or_dash(life.as_ref())),
        ("Database", or_dash(hub.database.as_ref().map(|path| path.display().to_string()).as_ref())),
        ("Restarts", format!("{} since a person last started it, {} starts in all", hub.restarts, hub.incarnation)),
    ];
    let mut text = String::new();
    for (label, value) in rows {
        line(&mut text, label, &value);
    }
    text
}
