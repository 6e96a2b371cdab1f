use std::process::ExitCode;

use anet_supervisor::Recorded;

use crate::commands::supervisor::take_over::{connect_or_take_over, require_or_take_over};
use crate::context::Context;
use crate::failure::Outcome;

/// Stops the hub. It stays stopped until somebody starts it, also after a reboot.
pub(super) async fn stop(context: &Context) -> Outcome {
    let Some(supervisor) = connect_or_take_over(context, is_hub).await? else {
        context.printer.note("the hub was not running: no supervisor runs")?;
        if context.printer.json {
            context.printer.document(&serde_json::json!({ "changed": false, "hub": null }))?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let outcome = supervisor.stop_hub().await?;
    context.printer.note(if outcome.changed { "the hub is stopped" } else { "the hub was not running" })?;
    if context.printer.json {
        context.printer.document(&outcome)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Stops and starts the hub.
pub(super) async fn restart(context: &Context) -> Outcome {
    let outcome = require_or_take_over(context, is_hub).await?.restart_hub().await?;
    let pid = outcome.hub.pid.unwrap_or_default();
    context.printer.note(&format!("the hub is running again (pid {pid})"))?;
    if context.printer.json {
        context.printer.document(&outcome)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn is_hub(one: &Recorded) -> bool {
    one.project.is_none()
}
