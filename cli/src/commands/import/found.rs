//! What a file of another supervisor says.

use std::path::PathBuf;

use anet_protocol::secret::is_secret;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::program_files::NewProgram;

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) programs: Vec<NewProgram>,
    pub(super) left_out: Vec<LeftOut>,
}

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
    /// It is taken over in another form: this one.
    Otherwise(String),
    /// The program is kept without it, for this reason.
    Dropped(String),
}

impl Effect {
    pub(super) fn anyway(how: &str) -> Self {
        Self::HoldsAnyway(how.to_owned())
    }

    pub(super) fn otherwise(how: &str) -> Self {
        Self::Otherwise(how.to_owned())
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

/// Sets a key of a policy, `a.b` for `b` in the table `a`.
pub(super) fn put(policy: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => drop(policy.insert(key.to_owned(), value)),
        Some((table, key)) => policy.entry(table).or_insert_with(|| Value::Object(Map::new()))[key] = value,
    }
}

/// A program without a port that does not say when it is ready, its environment parted into plain and secret.
pub(super) fn program(
    name: String,
    command: Vec<String>,
    directory: PathBuf,
    env: Vec<(String, String)>,
    policy: Map<String, Value>,
) -> NewProgram {
    let (secrets, env) = env.into_iter().partition(|(key, value)| is_secret(key, value));
    NewProgram { name, command, directory, port: None, tells_ready: false, env, secrets, policy }
}
