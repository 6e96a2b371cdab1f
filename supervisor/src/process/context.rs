//! What all processes share.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anet_protocol::{Clock, Entropy};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::{HubGate, Storm};
use crate::audit_log::AuditLog;
use crate::capture::Captures;
use crate::directory_watcher::DirectoryWatcher;
use crate::events::Events;
use crate::launch::NodeProgram;
use crate::logs::SharedReaders;
use crate::notify_socket::Routes;
use crate::paths::Paths;
use crate::policy::Policy;
use crate::program_policies::ProgramPolicies;
use crate::service_manager::ServiceManager;
use crate::settings::Settings;
use crate::settings_file::Options;
use crate::state_file::StateStore;
use crate::system::control_group::Delegation;
use crate::system::own_memory::Tidying;
use crate::system::process_table::ProcessTable;
use crate::upgrade::Replacement;

/// What all processes share.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) paths: Paths,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) store: StateStore,
    pub(crate) table: ProcessTable,
    /// The same without the living leaders, for what a dead one left.
    pub(crate) followers: ProcessTable,
    pub(crate) routes: Routes,
    /// Asks the notify socket to pass on everything that was sent so far.
    pub(crate) flushes: mpsc::Sender<oneshot::Sender<()>>,
    pub(crate) events: Events,
    pub(crate) boot_id: String,
    pub(crate) directory_watcher: Arc<DirectoryWatcher>,
    /// The control group below which each start has its own, where one was delegated.
    pub(crate) delegation: Option<Delegation>,
    pub(crate) captures: Arc<Captures>,
    pub(crate) log_readers: SharedReaders,
    /// The failures of all processes together.
    pub(crate) storm: Storm,
    /// Whether nodes that depend on the hub may be started.
    pub(crate) hub_gate: watch::Sender<HubGate>,
    /// The settings in force; a reload replaces them.
    pub(crate) options: RwLock<Options>,
    pub(crate) program_policies: ProgramPolicies,
    /// Told after each reload.
    pub(crate) reloaded: Notify,
    pub(crate) audit_log: AuditLog,
    pub(crate) service_manager: ServiceManager,
    pub(crate) tidying: Tidying,
    /// What to become, once everything has come to rest.
    pub(crate) replacement: Mutex<Option<Replacement>>,
}

impl Context {
    /// The policy in force for this node, or without one for the hub.
    pub(crate) fn policy(&self, node: Option<&NodeProgram>) -> Policy {
        let policies = &self.options.read().unwrap_or_else(PoisonError::into_inner).policies;
        match node {
            None => policies.of_hub().clone(),
            Some(node) => self.program_policies.over(policies.of_node(&node.name).clone(), node),
        }
    }
}
