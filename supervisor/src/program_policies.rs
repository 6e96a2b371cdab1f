//! How a program is kept by its own word: the member `policy` of its `config.json`, which has the keys of a section of
//! `supervisor.toml`. It belongs to this program, moves and goes with its files, and meets no other of the same name.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::launch::NodeProgram;
use crate::policy::Policy;
use crate::system::file_identity::FileIdentity;

type Keys = Arc<Map<String, Value>>;

/// The keys of each program that has any, read again when its file changed.
#[derive(Default)]
pub(crate) struct ProgramPolicies {
    known: Mutex<HashMap<PathBuf, (FileIdentity, Keys)>>,
}

impl ProgramPolicies {
    /// The policy of a program: what it says itself counts more than `policy`. Keys that are wrong are passed over; its next
    /// start says what is wrong with them.
    pub(crate) fn over(&self, policy: Policy, program: &NodeProgram) -> Policy {
        if !program.is_program() {
            return policy;
        }
        let keys = self.keys(program);
        if keys.is_empty() { policy } else { policy.with(&keys).unwrap_or(policy) }
    }

    fn keys(&self, program: &NodeProgram) -> Keys {
        let path = program.config_path();
        let file = FileIdentity::of(&path);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match (known.get(&path), file) {
            (Some((read, keys)), Some(file)) if *read == file => Arc::clone(keys),
            (_, None) => {
                known.remove(&path);
                Arc::default()
            }
            (_, Some(file)) => {
                let keys = Arc::new(program.policy_keys().unwrap_or_default());
                known.insert(path, (file, Arc::clone(&keys)));
                keys
            }
        }
    }
}
