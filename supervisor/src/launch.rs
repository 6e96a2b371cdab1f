//! What is needed to start a process: everything is read anew for each start (R38).

pub(crate) mod fingerprint;
pub(crate) mod hub;
pub(crate) mod node;
pub(crate) mod node_environment;
mod program;

use std::ffi::OsString;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use crate::paths::Paths;
use crate::process::Context;
use crate::refusal::Refusal;
use crate::secret_error::SecretError;
use crate::settings::Settings;
use crate::state_file::{History, HubRecord, HubSettings, ProcessRecord, State};
use crate::system::process_entry::INSTANCE_VARIABLE;
use crate::system::resource_mark::ResourceMark;
use anet_protocol::control::{ControlErrorCode, Desired};
use anet_protocol::secret::{SecretString, is_secret};
use secrecy::zeroize::Zeroize as _;

pub(crate) use hub::HubProgram;
pub(crate) use node::NodeProgram;
pub(crate) use program::refuse_taken_port;

/// A process about to be started. Its environment is overwritten when this is dropped (R42).
pub(crate) struct Launch {
    pub(crate) command_line: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) directory: PathBuf,
    /// Where its logs are.
    pub(crate) log_directory: PathBuf,
    /// Nothing is read there without one.
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) told: Told,
}

/// What a configuration says beside what is executed.
#[derive(Debug)]
pub(crate) struct Told {
    /// Itself, without the token, which a running node takes without a restart, and without environment and policy, which
    /// are compared by their values; empty for the hub, which has none.
    pub(crate) configuration: String,
    /// The hub that it works with because the settings in `~/.anet` name it; absent where it has a hub of its own, or none.
    pub(crate) hub: Option<String>,
    /// The port that it declares.
    pub(crate) port: Option<u16>,
    /// Whether the process says when it is ready.
    pub(crate) ready: bool,
}

impl Drop for Launch {
    fn drop(&mut self) {
        for (_, value) in &mut self.environment {
            std::mem::take(value).into_vec().zeroize();
        }
    }
}

impl Launch {
    /// The mark that goes with the `ANET_INSTANCE_ID` it is given.
    pub(crate) fn mark(&self) -> Option<ResourceMark> {
        let (_, instance) = self.environment.iter().find(|(name, _)| name == INSTANCE_VARIABLE)?;
        ResourceMark::of(instance.to_str()?)
    }

    /// The values of its environment that are secrets by their name or look.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        let text = self.environment.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
        text.filter(|(name, value)| is_secret(name, value)).map(|(_, value)| SecretString::from(value)).collect()
    }
}

/// Why a process cannot be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    /// A person must mend its files; trying again changes nothing.
    #[error("{error}")]
    Config {
        /// What is wrong.
        error: String,
        /// What mends it.
        hint: Option<String>,
    },
    /// Somebody else holds the hub's port.
    #[error("{error}")]
    PortTaken {
        /// Who.
        error: String,
    },
    /// It may work the next time.
    #[error("{0}")]
    Passing(String),
}

impl From<SecretError> for LaunchError {
    fn from(SecretError { error, hint }: SecretError) -> Self {
        Self::Config { error, hint }
    }
}

impl LaunchError {
    pub(crate) fn refusal(&self) -> Refusal {
        let code = match self {
            Self::Config { .. } => ControlErrorCode::ConfigInvalid,
            Self::PortTaken { .. } => ControlErrorCode::PortTaken,
            Self::Passing(_) => ControlErrorCode::StartFailed,
        };
        let refusal = Refusal::new(code, self.to_string());
        match self {
            Self::Config { hint: Some(hint), .. } => refusal.hint(hint),
            Self::PortTaken { .. } => refusal.hint("stop its owner, or take another one with `--port`"),
            Self::Config { hint: None, .. } | Self::Passing(_) => refusal,
        }
    }
}

/// The kinds of process.
#[derive(Debug)]
pub(crate) enum Program {
    Hub(HubProgram),
    Node(NodeProgram),
}

impl Program {
    /// The node's name, or `hub`.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Hub(_) => "hub",
            Self::Node(node) => &node.name,
        }
    }

    /// The node whose policy holds; `None` for the hub.
    pub(crate) const fn node(&self) -> Option<&NodeProgram> {
        match self {
            Self::Hub(_) => None,
            Self::Node(node) => Some(node),
        }
    }

    pub(crate) fn project(&self) -> Option<&Path> {
        match self {
            Self::Hub(_) => None,
            Self::Node(node) => Some(&node.project),
        }
    }

    /// How a person calls it in a command: `hub`, or `node <name>`.
    pub(crate) fn words(&self, verb: &str) -> String {
        match self {
            Self::Hub(_) => format!("anet hub {verb}"),
            Self::Node(node) => format!("anet node {verb} {}", node.name),
        }
    }

    /// A duplicate of the hub's listening socket.
    pub(crate) fn listener(&self) -> Option<TcpListener> {
        match self {
            Self::Hub(hub) => hub.listener.as_ref().and_then(|listener| listener.try_clone().ok()),
            Self::Node(_) => None,
        }
    }

    pub(crate) fn log_directory(&self, paths: &Paths) -> PathBuf {
        match self {
            Self::Hub(_) => hub::log_directory(paths),
            Self::Node(node) => node.log_directory(),
        }
    }

    /// What must not be shown of its output, as far as it is known now; `caller` is the environment of the supervisor.
    pub(crate) fn secrets(&self, settings: &Settings) -> Vec<SecretString> {
        match self {
            Self::Hub(hub) => hub.secrets(),
            Self::Node(node) => node.secrets(settings),
        }
    }

    /// Reads and checks everything that the start needs.
    ///
    /// # Errors
    /// [`LaunchError`] says whether trying again can help.
    pub(crate) fn prepare(&mut self, context: &Context, instance: &str) -> Result<Launch, LaunchError> {
        let mut launch = match self {
            Self::Hub(hub) => hub.prepare(context)?,
            Self::Node(node) => node.prepare(context)?,
        };
        // Last, so that nothing a configuration says can take their place.
        let ours: [(&str, OsString); 3] = [
            ("ANET_HOME", context.paths.home.clone().into()),
            ("NOTIFY_SOCKET", context.paths.notify_socket.clone().into()),
            (INSTANCE_VARIABLE, instance.into()),
        ];
        launch.environment.retain(|(name, _)| ours.iter().all(|(ours, _)| name != *ours));
        launch.environment.extend(ours.map(|(name, value)| (name.into(), value)));
        Ok(launch)
    }

    /// Writes what is wanted, what was started and what was before into the state.
    pub(crate) fn record(&self, state: &mut State, desired: Desired, process: Option<ProcessRecord>, history: History) {
        match self {
            Self::Hub(hub) => {
                let record = |settings: HubSettings| HubRecord { settings, desired, process, history };
                state.hub = hub.settings.clone().map(record);
            }
            Self::Node(node) => {
                // Absent only when it was forgotten meanwhile.
                if let Some(record) = state.node_mut(&node.name, &node.project) {
                    (record.desired, record.process, record.history) = (desired, process, history);
                }
            }
        }
    }

    /// Writes what is wanted into the state, and leaves there what was started.
    pub(crate) fn record_desired(&self, state: &mut State, desired: Desired, history: History) {
        let process = match self {
            Self::Hub(_) => state.hub.take().and_then(|hub| hub.process),
            Self::Node(node) => state.node_mut(&node.name, &node.project).and_then(|record| record.process.take()),
        };
        self.record(state, desired, process, history);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;

    /// Bytes that stand nowhere as they are, so that only what is made of them is found.
    fn secret() -> Vec<u8> {
        (0..400_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8 | 1).collect()
    }

    /// How often the secret, but for its ends, which a free allocation may use otherwise, is in this process's memory.
    fn copies() -> usize {
        let memory = std::fs::File::open("/proc/self/mem").unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let mut found = 0;
        for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
            let (from, to) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
            let mut page = vec![0; usize::try_from(to - from).unwrap().min(64 << 20)];
            // Some mappings cannot be read.
            let Ok(length) = memory.read_at(&mut page, from) else { continue };
            let is_it = |window: &[u8]| {
                let made = |(number, byte): (u32, &u8)| *byte == (number.wrapping_mul(2_654_435_761) >> 24) as u8 | 1;
                (100..300_u32).zip(window).all(made)
            };
            found += page[..length].windows(200).filter(|window| is_it(window)).count();
            page.fill(0);
        }
        found
    }

    #[test]
    fn the_environment_of_a_start_is_overwritten_when_it_was_made() {
        let launch = Launch {
            command_line: Vec::new(),
            environment: vec![("KEY".into(), OsString::from_vec(secret()))],
            directory: PathBuf::new(),
            log_directory: PathBuf::new(),
            stdin: None,
            told: Told { configuration: String::new(), hub: None, port: None, ready: true },
        };
        assert!(copies() > 0, "it is looked for where it would be");
        drop(launch);
        assert_eq!(copies(), 0);
    }
}
