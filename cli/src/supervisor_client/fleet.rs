//! Asking something of several nodes.

use anet_protocol::control::{ChangeFleet, FLEET_VERSION, FleetChanged, FleetMember, NodeTarget, NodeView};
use futures_util::future::join_all;
use reqwest::Method;

use super::SupervisorClient;
use crate::failure::Failure;

impl SupervisorClient {
    /// Starts nodes that are known, all at once; what came of each.
    ///
    /// # Errors
    /// When the supervisor does not answer.
    pub(crate) async fn start_nodes(&self, nodes: &[&NodeView]) -> Result<Vec<Result<(), Failure>>, Failure> {
        self.change_nodes("start", nodes).await
    }

    /// Stops nodes, all at once; what came of each.
    ///
    /// # Errors
    /// As [`Self::start_nodes`].
    pub(crate) async fn stop_nodes(&self, nodes: &[&NodeView]) -> Result<Vec<Result<(), Failure>>, Failure> {
        self.change_nodes("stop", nodes).await
    }

    async fn change_nodes(&self, verb: &str, nodes: &[&NodeView]) -> Result<Vec<Result<(), Failure>>, Failure> {
        if nodes.is_empty() {
            return Ok(Vec::new());
        }
        if self.control_version < FLEET_VERSION {
            let change = async |node: &NodeView| {
                let target = NodeTarget { project: Some(node.project.clone()) };
                self.change_node(&node.name, verb, &target).await.map(drop)
            };
            return Ok(join_all(nodes.iter().map(|node| change(node))).await);
        }
        let member = |node: &&NodeView| FleetMember { name: node.name.clone(), project: node.project.clone() };
        let change = ChangeFleet {
            nodes: nodes.iter().map(member).collect(),
            wait_seconds: self.wait.map(|wait| wait.as_secs()),
        };
        let changed: FleetChanged = self.call(Method::POST, &format!("/v1/fleet/{verb}"), Some(&change)).await?;
        let outcomes = changed
            .nodes
            .into_iter()
            .map(|node| node.refusal.map_or(Ok(()), |refusal| Err(Failure::refused_by_supervisor(refusal))));
        Ok(outcomes.collect())
    }
}
