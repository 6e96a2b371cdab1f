//! From the state file to living actors.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Node, Registry, keep, live};
use crate::change_keeper::ChangeKeeper;
use crate::launch::{HubProgram, NodeProgram, Program};
use crate::process::{Context, Process};
use crate::state_file::{History, KeptNode, State};
use crate::system::file_identity::FileIdentity;
use crate::token_keeper::TokenKeeper;
use anet_protocol::control::Desired;
use anet_protocol::id::InstanceId;

impl Registry {
    /// Takes over everything that lives on, then lets the actors start what should run.
    pub(crate) async fn boot(
        context: Arc<Context>,
        state: State,
        hub_listener: Option<TcpListener>,
        tasks: TaskTracker,
        leave: CancellationToken,
    ) -> Self {
        let new = |program, desired, history| Process::new(Arc::clone(&context), program, desired, history);
        let mut processes = Vec::new();
        let (hub, hub_desired, hub_process, history) = match state.hub {
            Some(hub) => {
                let program = HubProgram { settings: Some(hub.settings), listener: hub_listener };
                (program, hub.desired, hub.process, hub.history)
            }
            None => (HubProgram::default(), Desired::Stopped, None, History::default()),
        };
        let (process, hub) = new(Program::Hub(hub), hub_desired, history);
        processes.push((process, hub_process));
        let mut nodes = BTreeMap::new();
        let mut keepers = Vec::new();
        for record in state.nodes.into_iter().map(KeptNode::into_record) {
            let program = NodeProgram { name: record.name, project: record.project };
            let (process, handle) = new(Program::Node(program.clone()), record.desired, record.history);
            processes.push((process, record.process));
            let key = (program.name.clone(), program.project.clone());
            let (keeper, token) = TokenKeeper::new(Arc::clone(&context), program.clone(), handle.clone());
            let (changes, differences) = ChangeKeeper::new(Arc::clone(&context), program.clone(), handle.clone());
            keepers.push((keeper, changes));
            nodes.insert(key, Node { program, handle, described: Arc::default(), token, differences });
        }
        let processes = join_all(processes.into_iter().map(async |(mut process, record)| {
            match record {
                Some(record) => process.adopt(record).await,
                None => process.publish(),
            }
            process
        }))
        .await;
        // The nodes that follow it must know whether to wait for it.
        for process in processes {
            tasks.spawn(live(process, leave.clone()));
        }
        for (token, changes) in keepers {
            tasks.spawn(keep(token, changes, leave.clone()));
        }
        Self {
            since: context.clock.now(),
            instance: InstanceId::random(&*context.entropy).as_str().to_owned(),
            executable: FileIdentity::of(&context.settings.executable),
            operators: Mutex::default(),
            context,
            hub,
            nodes: Mutex::new(nodes),
            membership: tokio::sync::Mutex::new(()),
            tasks,
            leave,
        }
    }
}
