//! Which policy holds for which process.

use std::collections::BTreeMap;

use super::Policy;

/// The policy of everything that a supervisor looks after, with the defaults already merged in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policies {
    /// Of whatever is not named below.
    pub defaults: Policy,
    /// Of the hub; the defaults where absent.
    pub hub: Option<Policy>,
    /// Of nodes and programs by name, in whichever project.
    pub nodes: BTreeMap<String, Policy>,
}

impl Policies {
    /// The hub's.
    #[must_use]
    pub fn of_hub(&self) -> &Policy {
        self.hub.as_ref().unwrap_or(&self.defaults)
    }

    /// That of a node or program.
    #[must_use]
    pub fn of_node(&self, name: &str) -> &Policy {
        self.nodes.get(name).unwrap_or(&self.defaults)
    }
}
