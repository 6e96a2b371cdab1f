//! What `anet doctor` knows: one file per check, one table of all of them, and what mends a finding.
//!
//! Facts are gathered first (`facts`), each within a bounded time and without changing anything; a check (`checks`) is
//! a function from facts to findings. A finding carries the repair that `--fix` may do (`repair`); what only the
//! program around this library can do, such as starting the supervisor, is left to it.

use std::path::PathBuf;

mod check;
mod checks;
mod facts;
mod finding;
mod own_file;
mod patient;
mod reference;
mod repair;

pub use check::Check;
pub use checks::CHECKS;
pub use finding::{Finding, Severity};
pub use patient::{Patient, ReferenceSight, StoreSight, SupervisorSight};
pub use reference::reference_page;
pub use repair::{Change, ConfigEdit, FileIdentity, Repair, RepairError, apply};

/// Looks at everything and changes nothing. The findings come in the order of the table of checks.
pub async fn examine(patient: &Patient) -> Vec<Finding> {
    let facts = facts::Facts::gather(patient).await;
    CHECKS.iter().flat_map(|check| check.findings(&facts)).collect()
}

/// Names that are asked about and no node has, here or in the supervisor's records.
#[must_use]
pub fn unknown_names(patient: &Patient) -> Vec<&str> {
    let nodes = facts::nodes_of(patient);
    let is_unknown = |name: &&String| !nodes.iter().any(|node| node.name == **name);
    patient.names.iter().filter(is_unknown).map(String::as_str).collect()
}

/// The nodes whose configuration refers to values elsewhere, by name and project.
#[must_use]
pub fn referring_nodes(patient: &Patient) -> Vec<(String, PathBuf)> {
    let mut nodes = facts::nodes_of(patient);
    nodes.retain(facts::node::NodeFacts::has_references);
    nodes.into_iter().map(|node| (node.name, node.project)).collect()
}

#[cfg(test)]
mod tests;
