use std::time::Duration;

use anet_protocol::control::{NodeChanged, NodeTarget, RestartNode};
use anyhow::Context as _;

use super::{REQUEST_TIMEOUT, SupervisorClient, node_path};
use crate::failure::Failure;

impl SupervisorClient {
    /// Has a node take no new task, and restarts it when it has none in hand; the code `still_busy` says that it still
    /// has some after `patience`, and goes on. When the future is dropped it goes on too.
    pub(crate) async fn drain_node(
        &self,
        name: &str,
        target: &NodeTarget,
        patience: Duration,
    ) -> Result<NodeChanged, Failure> {
        let body = RestartNode {
            project: target.project.clone(),
            drain_seconds: Some(patience.as_secs()),
            ..RestartNode::default()
        };
        let request = self.client.post(format!("http://supervisor{}", node_path(name, "restart")));
        let request = request.json(&body).timeout(REQUEST_TIMEOUT.saturating_add(patience));
        let response = self.send(request).await.map_err(|error| error.into_failure(&self.socket))?;
        Ok(response.json().await.context("the supervisor's answer is not understood")?)
    }
}
