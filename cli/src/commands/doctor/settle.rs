//! The time that mended nodes get to come up before they are looked at again.

use std::time::Duration;

use anet_protocol::control::{Desired, NodeView, ProcessState, SupervisorStatus};
use anet_protocol::notification::Link;
use anet_supervisor::doctor::Repair;

use super::mend::Mended;
use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::Failure;
use crate::supervisor_client::SupervisorClient;

/// Longer than the supervisor takes to notice a mended file and to start a node, with room for a busy machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often is looked meanwhile.
const LOOK: Duration = Duration::from_millis(100);

/// Waits until everything that these repairs can have helped is up, or has had its time.
///
/// # Errors
/// When the supervisor answers something that is not understood.
pub(super) async fn wait(context: &Context, mended: &[Mended]) -> Result<(), Failure> {
    let repairs: Vec<&Repair> = mended.iter().filter(|mended| mended.is_change()).map(Mended::repair).collect();
    let Some(client) = SupervisorClient::connect(&context.environment).await? else { return Ok(()) };
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !is_settled(&client.status().await?, &repairs) && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

fn is_settled(status: &SupervisorStatus, repairs: &[&Repair]) -> bool {
    let is_started = repairs.contains(&&Repair::StartSupervisor);
    let is_hub_up = status.hub.desired == Desired::Stopped || is_running(&status.hub.process);
    let mut helped = status.nodes.iter().filter(|node| repairs.iter().any(|repair| concerns(repair, node)));
    (!is_started || is_hub_up) && helped.all(is_up)
}

fn is_running(process: &ProcessState) -> bool {
    matches!(process, ProcessState::Running { .. })
}

/// Whether a node does what is wanted of it; what is no node has no link to a hub.
fn is_up(node: &NodeView) -> bool {
    let is_connected = node.link.as_ref().is_some_and(|link| link.value == Link::Connected);
    node.desired == Desired::Stopped || (is_running(&node.process) && (is_connected || node.node_id.is_none()))
}

fn concerns(repair: &Repair, node: &NodeView) -> bool {
    let directory = node_directory(&node.project, &node.name);
    match repair {
        Repair::StartSupervisor => true,
        Repair::Token { name, project } => *name == node.name && *project == node.project,
        Repair::Config { directory: changed, .. } => *changed == directory,
        Repair::Close { path } => path.starts_with(&directory),
        Repair::Ignore { .. }
        | Repair::Remove { .. }
        | Repair::RemoveSocket { .. }
        | Repair::EndProcess { .. }
        | Repair::RenewAdminLogin => false,
    }
}
