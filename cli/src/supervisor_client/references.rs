use std::path::Path;

use anet_protocol::control::{NodeTarget, References};
use anyhow::Context as _;

use super::{REQUEST_TIMEOUT, SupervisorClient, node_path};
use crate::failure::Failure;

impl SupervisorClient {
    /// Where the values of a node's references stand.
    ///
    /// # Errors
    /// When the supervisor does not know the node, or one of its files cannot be used.
    pub(crate) async fn references(&self, name: &str, project: &Path) -> Result<References, Failure> {
        let request = self.client.get(format!("http://supervisor{}", node_path(name, "references")));
        let target = NodeTarget { project: Some(project.to_owned()) };
        let response = self.send(request.query(&target).timeout(REQUEST_TIMEOUT)).await;
        let response = response.map_err(|error| error.into_failure(&self.socket))?;
        Ok(response.json().await.context("the supervisor's answer is not understood")?)
    }
}
