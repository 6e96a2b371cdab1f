//! What a file of another supervisor says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anet_protocol::secret::is_secret;
use serde::Serialize;

use crate::program_files::NewProgram;

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) programs: Vec<NewProgram>,
    /// What becomes of each program's section of `supervisor.toml`.
    pub(super) policies: BTreeMap<String, Policy>,
    pub(super) left_out: Vec<LeftOut>,
}

/// Keys of a section `[node.NAME]` of `supervisor.toml`, `a.b` for `b` in the table `a`, each with its value in TOML.
pub(super) type Policy = BTreeMap<&'static str, String>;

/// A setting that has no counterpart.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct LeftOut {
    pub(super) program: String,
    pub(super) key: String,
    #[serde(flatten)]
    pub(super) effect: Effect,
}

/// What it means that a setting has none.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "effect", content = "reason", rename_all = "snake_case")]
pub(super) enum Effect {
    /// What it asks for holds anyway, in this way.
    HoldsAnyway(String),
    /// The program is kept without it, for this reason.
    Dropped(String),
}

impl Effect {
    pub(super) fn anyway(how: &str) -> Self {
        Self::HoldsAnyway(how.to_owned())
    }

    pub(super) fn dropped(reason: &str) -> Self {
        Self::Dropped(reason.to_owned())
    }
}

impl Found {
    pub(super) fn leave_out(&mut self, program: &str, key: &str, effect: Effect) {
        self.left_out.push(LeftOut { program: program.to_owned(), key: key.to_owned(), effect });
    }
}

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// A program without a port that does not say when it is ready, its environment parted into plain and secret.
pub(super) fn program(
    name: String,
    command: Vec<String>,
    directory: PathBuf,
    env: Vec<(String, String)>,
) -> NewProgram {
    let (secrets, env) = env.into_iter().partition(|(key, value)| is_secret(key, value));
    NewProgram { name, command, directory, port: None, tells_ready: false, env, secrets }
}
