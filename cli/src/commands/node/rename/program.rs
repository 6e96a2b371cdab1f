//! A program has no name at the hub: its directory and the supervisor's record are all there is to rename.

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use anet_protocol::control::{Desired, NodeTarget, NodeView};
use anyhow::Context as _;

use crate::context::Context;
use crate::environment::{node_directory, program_directory};
use crate::failure::{Failure, Outcome};
use crate::supervisor_client::SupervisorClient;

/// Stops the program if it runs, renames it, and starts it again.
///
/// # Errors
/// When the name is taken, or the program does not stop; it then keeps its name.
pub(super) async fn rename(
    context: &Context,
    supervisor: Option<&SupervisorClient>,
    view: Option<&NodeView>,
    project: &Path,
    old: &str,
    new: &str,
) -> Outcome {
    if node_directory(project, new).exists() {
        let text = format!("there is already a node or a program {new} in {}", project.display());
        return Err(Failure::message(text).hint("choose another name"));
    }
    let target = NodeTarget { project: Some(project.to_path_buf()) };
    let known = supervisor.zip(view);
    if let Some((client, _)) = known {
        client.stop_node(old, &target).await?;
        client.forget_node(old, &target).await?;
    }
    move_directory(project, old, new)?;
    let mut is_started = false;
    if let Some((client, view)) = known {
        client.register_node(new, &target).await?;
        if view.desired == Desired::Running {
            client
                .start_node(new, &target)
                .await
                .map_err(|failure| failure.context(format!("{new} has its new name, but does not run")))?;
            is_started = true;
        }
    }
    context.printer.note(&format!("{old} is named {new} now{}", if is_started { ", and runs" } else { "" }))?;
    if context.printer.json {
        context.printer.document(&serde_json::json!({
            "old": old, "new": new, "project": project, "started": is_started,
        }))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn move_directory(project: &Path, old: &str, new: &str) -> Result<(), Failure> {
    let (from, to) = (program_directory(project, old), program_directory(project, new));
    let act = || -> std::io::Result<()> {
        std::fs::rename(&from, &to)?;
        File::open(project.join(".anet/programs"))?.sync_all()
    };
    Ok(act().with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))?)
}
