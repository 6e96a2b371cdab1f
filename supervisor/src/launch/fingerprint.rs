//! What a running process was started with, in a form that can be compared and tells nothing.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Launch;
use crate::environment::allowed;
use crate::policy::Policy;
use crate::process::Context;

/// Digests over the parts of an effective configuration, each salted with the start's instance id, so
/// that the state file does not tell which secrets two nodes share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    program: String,
    environment: String,
    configuration: String,
    limits: String,
    /// The address of the hub, where the settings of this machine say it; absent in records of versions that did not
    /// keep it, and then it is not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hub: Option<String>,
}

impl Fingerprint {
    /// Of a start under the id `instance`. The caller's own environment does not count: another shell is
    /// no change of a node. Neither does the token, which a running node takes without a restart.
    pub(crate) fn of(launch: &Launch, context: &Context, policy: &Policy, instance: &str) -> Self {
        let digest = Salted(instance);
        let surroundings = allowed(&context.settings.environment);
        let own = launch.environment.iter().filter(|pair| !surroundings.contains(pair) && !is_of_the_start(&pair.0));
        let mut environment: Vec<&(OsString, OsString)> = own.collect();
        environment.sort();
        Self {
            program: digest
                .over(launch.command_line.iter().map(OsString::as_os_str).chain([launch.directory.as_os_str()])),
            environment: digest
                .over(environment.iter().flat_map(|(name, value)| [name.as_os_str(), value.as_os_str()])),
            configuration: digest.over([OsStr::new(&launch.told.configuration)]),
            limits: digest.over([OsStr::new(&limits(policy))]),
            hub: launch.told.hub.as_ref().map(|hub| digest.over([OsStr::new(hub)])),
        }
    }

    /// What is not as in `now`, a word each.
    pub(crate) fn differences(&self, now: &Self) -> Vec<&'static str> {
        let parts = [
            ("program", &self.program, &now.program),
            ("environment", &self.environment, &now.environment),
            ("configuration", &self.configuration, &now.configuration),
            ("limits", &self.limits, &now.limits),
        ];
        let is_moved = matches!((&self.hub, &now.hub), (Some(before), Some(now)) if before != now);
        let differing = parts.into_iter().filter(|(_, before, now)| before != now).map(|(word, _, _)| word);
        differing.chain(is_moved.then_some("hub")).collect()
    }
}

/// What the supervisor itself gives each start.
fn is_of_the_start(name: &OsStr) -> bool {
    ["ANET_HOME", "NOTIFY_SOCKET", crate::system::process_entry::INSTANCE_VARIABLE].iter().any(|ours| name == *ours)
}

/// The part of a policy that a running process cannot be given; the rest holds at once.
fn limits(policy: &Policy) -> String {
    let Policy { memory_high, memory_max, pids_max, oom_score_adjust, port, .. } = policy;
    format!("{memory_high:?} {memory_max:?} {pids_max:?} {oom_score_adjust} {port:?}")
}

struct Salted<'instance>(&'instance str);

impl Salted<'_> {
    fn over<'part>(&self, parts: impl IntoIterator<Item = &'part OsStr>) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        for part in parts {
            // The length keeps neighbours apart.
            hasher.update(part.len().to_be_bytes());
            hasher.update(part.as_bytes());
        }
        // Half of a digest tells a change from none as well as the whole.
        let half = hasher.finalize().first_chunk().map_or(0, |half| u128::from_be_bytes(*half));
        format!("{half:032x}")
    }
}
