use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;
use crate::supervisor_client::SupervisorClient;

/// Stops the hub. It stays stopped until somebody starts it, also after a reboot.
pub(super) async fn stop(context: &Context) -> Outcome {
    let Some(supervisor) = SupervisorClient::connect(&context.environment).await? else {
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
    let outcome = SupervisorClient::require(&context.environment).await?.restart_hub().await?;
    let pid = outcome.hub.pid.unwrap_or_default();
    context.printer.note(&format!("the hub is running again (pid {pid})"))?;
    if context.printer.json {
        context.printer.document(&outcome)?;
    }
    Ok(ExitCode::SUCCESS)
}
