//! What clients see.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::PoisonError;

use anet_protocol::control::{CONTROL_VERSION, Containment, HubView, NodeView, SupervisorStatus, state_word};

use super::{Node, Registry};
use crate::environment::lookup;
use crate::launch::node::NodeDescription;
use crate::system::file_identity::FileIdentity;

/// What a configuration said when its file was last like this.
#[derive(Clone, Debug)]
pub(super) struct Described {
    file: Option<FileIdentity>,
    description: Result<NodeDescription, String>,
}

impl Node {
    /// The node as clients see it.
    pub(crate) fn view(&self) -> NodeView {
        let snapshot = self.handle.snapshot();
        let description = self.describe();
        let (node_id, runtime, tells_ready, config_error) = match description {
            Ok(description) => (description.node_id, description.runtime, description.tells_ready, None),
            Err(error) => (None, None, true, Some(error)),
        };
        let token = self.token.borrow().clone();
        let link = snapshot.link.as_ref().map(|link| link.value);
        NodeView {
            name: self.program.name.clone(),
            node_id,
            runtime,
            state: state_word(&snapshot.process, link, token.as_ref().map(|token| &token.value)).to_owned(),
            token,
            changed: self.differences.borrow().iter().map(|word| (*word).to_owned()).collect(),
            pid: snapshot.process.pid(),
            project: self.program.project.clone(),
            desired: snapshot.desired,
            process: snapshot.process,
            link: snapshot.link,
            work: snapshot.work,
            proof_of_life: snapshot.proof_of_life,
            restarts: snapshot.restarts,
            incarnation: snapshot.history.starts,
            exits: Vec::new(),
            last_exit: snapshot.history.exits.last().cloned(),
            version: snapshot.version,
            tells_ready,
            config_error,
        }
    }

    /// The node with how its last starts ended.
    pub(crate) fn view_with_exits(&self) -> NodeView {
        NodeView { exits: self.handle.snapshot().history.exits.clone(), ..self.view() }
    }

    /// Read again only when the file changed.
    fn describe(&self) -> Result<NodeDescription, String> {
        let file = FileIdentity::of(&self.program.config_path());
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        match &*described {
            Some(known) if known.file == file && file.is_some() => known.description.clone(),
            _ => {
                let description = self.program.describe().map_err(|error| error.to_string());
                *described = Some(Described { file, description: description.clone() });
                description
            }
        }
    }
}

impl Registry {
    /// The hub as clients see it.
    pub(crate) fn hub_view(&self) -> HubView {
        let snapshot = self.hub.snapshot();
        let pid = snapshot.process.pid();
        let settings = snapshot.hub;
        HubView {
            state: state_word(&snapshot.process, None, None).to_owned(),
            pid,
            desired: snapshot.desired,
            process: snapshot.process,
            proof_of_life: snapshot.proof_of_life,
            url: settings.as_ref().filter(|_| pid.is_some()).map(|settings| url(settings.listen)),
            database: settings.map(|settings| settings.database),
            restarts: snapshot.restarts,
            incarnation: snapshot.history.starts,
            exits: snapshot.history.exits.clone(),
        }
    }

    /// Everything.
    pub(crate) fn status(&self) -> SupervisorStatus {
        let settings = &self.context.settings;
        let executable = FileIdentity::of(&settings.executable);
        SupervisorStatus {
            control_version: CONTROL_VERSION,
            version: settings.version.clone(),
            pid: std::process::id(),
            executable: settings.executable.clone(),
            executable_is_current: executable.is_some() && executable == self.executable,
            since: self.since,
            instance: self.instance.clone(),
            uid: nix::unistd::geteuid().as_raw(),
            search_path: lookup(&settings.environment, "PATH").and_then(|path| path.to_str()).map(str::to_owned),
            home: self.context.paths.home.clone(),
            containment: match (&self.context.delegation, settings.owns_process) {
                (Some(_), _) => Containment::Cgroup,
                (None, true) => Containment::Subreaper,
                (None, false) => Containment::Mark,
            },
            operators: self.operators.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            hub: self.hub_view(),
            nodes: self.all_nodes().iter().map(Node::view).collect(),
        }
    }
}

/// Where a client on this machine reaches a listener.
fn url(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_can_be_connected_to() {
        let of = |listen: &str| url(listen.parse().unwrap());
        assert_eq!(of("127.0.0.1:9200"), "http://127.0.0.1:9200");
        assert_eq!(of("0.0.0.0:9200"), "http://127.0.0.1:9200");
        assert_eq!(of("[::]:9200"), "http://[::1]:9200");
    }
}
