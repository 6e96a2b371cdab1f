//! What runs with another configuration than it would be started with now (R60).

use std::sync::PoisonError;

use anet_protocol::control::{ControlErrorCode, Plan, PlannedRestart};

use super::Registry;
use crate::change_keeper::differences;
use crate::process::Context;
use crate::refusal::Refusal;
use crate::settings_file::Options;

impl Registry {
    /// Compares every running node with its files and with the settings in force.
    ///
    /// # Errors
    /// When the settings file has a fault: nothing could be applied then.
    pub(crate) fn plan(&self) -> Result<Plan, Refusal> {
        let context = &self.context;
        let (options, settings_changed) = context.read_options()?;
        let (mut restarts, mut unchanged, mut unusable) = (Vec::new(), 0, Vec::new());
        for node in self.all_nodes() {
            let snapshot = node.handle.snapshot();
            let policy = options.policies.of_node(&node.program.name).clone();
            let policy = context.program_policies.over(policy, &node.program);
            match differences(context, &node.program, &snapshot, &policy) {
                Ok(found) if found.is_empty() => unchanged += 1,
                Ok(found) => {
                    let (name, project) = (node.program.name.clone(), Some(node.program.project.clone()));
                    let reasons = found.into_iter().map(str::to_owned).collect();
                    restarts.push(PlannedRestart { name, project, reasons });
                }
                // It runs on: a restart would only end it.
                Err(error) => unusable.push(format!("{}: {error}", node.program.name)),
            }
        }
        let nodes = self.all_nodes();
        let is_known = |name: &String| nodes.iter().any(|node| node.program.name == *name);
        let unknown_names = options.policies.nodes.keys().filter(|name| !is_known(name)).cloned().collect();
        Ok(Plan { settings_changed, restarts, unchanged, unusable, unknown_names })
    }
}

impl Context {
    /// What the settings file says, and whether that is something else than what is in force.
    fn read_options(&self) -> Result<(Options, bool), Refusal> {
        let options = Options::load(&self.settings.home, &self.settings.policies).map_err(|error| {
            Refusal::new(ControlErrorCode::ConfigInvalid, error.to_string()).hint("nothing was changed")
        })?;
        let changed = *self.options.read().unwrap_or_else(PoisonError::into_inner) != options;
        Ok((options, changed))
    }
}
