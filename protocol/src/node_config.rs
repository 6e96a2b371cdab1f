//! A node's `config.json`. The whole object is kept, so keys that this version does not
//! know survive every rewrite, in their order.

mod node_name;
mod runtime;

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use sha1::{Digest as _, Sha1};

pub use node_name::{NODE_NAME_LIMIT, NodeNameError, validate_node_name};
pub use runtime::{Runtime, UnknownRuntime};

use crate::token::lower_hex;

/// The version of the format, written into each new file.
pub const FORMAT_VERSION: &str = "0.1.0";

/// The most tasks at once that a node can be given.
pub const MOST_CONCURRENT: u32 = 1000;

const TEXTS: [&str; 10] =
    ["anet_version", "node_id", "node_name", "name", "alias", "runtime", "hub", "token", "network_id", "model"];
/// The keys under which the alias may stand, the strongest first.
const ALIAS_KEYS: [&str; 3] = ["node_name", "name", "alias"];
const REFERENCE_KEY: &str = "_envRef";

/// Why a text is no valid `config.json`. Every message begins with the path it was given
/// and none repeats a value, except the name of an unknown runtime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeConfigError {
    /// The text is not JSON.
    #[error("{path}:{line}:{column}: {problem}")]
    Syntax {
        /// The file, as given to [`NodeConfig::parse`].
        path: String,
        /// Line of the mistake, counted from 1.
        line: usize,
        /// Column of the mistake, counted from 1.
        column: usize,
        /// What the reader stumbled over.
        problem: String,
    },
    /// The text is JSON, but not one object.
    #[error("{path}: the file must hold one JSON object")]
    NotAnObject {
        /// The file, as given to [`NodeConfig::parse`].
        path: String,
    },
    /// A field has a value of the wrong kind.
    #[error("{path}: field `{field}` must be {expected}")]
    Field {
        /// The file, as given to [`NodeConfig::parse`].
        path: String,
        /// The field's name, with the members that lead to it.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The runtime is none of the known ones.
    #[error("{path}: {source}")]
    Runtime {
        /// The file, as given to [`NodeConfig::parse`].
        path: String,
        /// The unknown name.
        source: UnknownRuntime,
    },
}

/// The value of one entry of `env`.
#[derive(Clone, PartialEq, Eq)]
pub enum EnvValue {
    /// The value itself; it may be a secret that waits for its migration.
    Plain(String),
    /// The name under which the value stands in the node's `.env`.
    Reference(String),
}

impl fmt::Debug for EnvValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => formatter.write_str("Plain(***)"),
            Self::Reference(name) => formatter.debug_tuple("Reference").field(name).finish(),
        }
    }
}

/// The settings of one node. Every field that has an accessor is known to have the right
/// kind. A field that is null or an empty text counts as absent.
#[derive(Clone, PartialEq)]
pub struct NodeConfig {
    fields: Map<String, Value>,
}

impl fmt::Debug for NodeConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values hold the token and perhaps vendors' keys.
        formatter.debug_set().entries(self.fields.keys()).finish()
    }
}

impl NodeConfig {
    /// The settings of a new node, with the fields that the older tools expect.
    #[must_use]
    pub fn new(alias: &str, node_id: &str, runtime: Runtime) -> Self {
        let mut config = Self { fields: Map::new() };
        config.put("anet_version", FORMAT_VERSION.into());
        config.put("node_id", node_id.into());
        config.put("node_name", alias.into());
        config.put("runtime", runtime.name().into());
        config.put("channels", json!(["server:commhub"]));
        config.put("env", json!({}));
        config.put("flags", json!({}));
        config
    }

    /// Reads a file's text; `path` is only for the error messages.
    ///
    /// # Errors
    /// [`NodeConfigError`] names the place or the field that is wrong.
    pub fn parse(text: &str, path: &str) -> Result<Self, NodeConfigError> {
        let path = || path.to_owned();
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let problem = error.to_string();
            let (problem, _) = problem.rsplit_once(" at line ").unwrap_or((&problem, ""));
            NodeConfigError::Syntax {
                path: path(),
                line: error.line(),
                column: error.column(),
                problem: problem.to_owned(),
            }
        })?;
        let Value::Object(fields) = value else {
            return Err(NodeConfigError::NotAnObject { path: path() });
        };
        if let Some((field, expected)) = find_wrong_field(&fields) {
            return Err(NodeConfigError::Field { path: path(), field, expected });
        }
        let config = Self { fields };
        if let Some(name) = config.text("runtime") {
            name.parse::<Runtime>().map_err(|source| NodeConfigError::Runtime { path: path(), source })?;
        }
        Ok(config)
    }

    /// The text to write: indented JSON with a line break at the end. It holds the token.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{:#}\n", Value::Object(self.fields.clone()))
    }

    /// Every field, known or not.
    #[must_use]
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// The node's name: `node_name`, else `name`, else `alias`.
    #[must_use]
    pub fn alias(&self) -> Option<&str> {
        ALIAS_KEYS.into_iter().find_map(|key| self.text(key))
    }

    /// Renames the node, under every key at which its name already stands.
    pub fn set_alias(&mut self, alias: &str) {
        for key in ALIAS_KEYS {
            if key == "node_name" || self.fields.contains_key(key) {
                self.put(key, alias.into());
            }
        }
    }

    /// The node's lasting identity; for a file without one see [`derive_node_id`].
    #[must_use]
    pub fn node_id(&self) -> Option<&str> {
        self.text("node_id")
    }

    /// Sets the node's identity.
    pub fn set_node_id(&mut self, node_id: &str) {
        self.put("node_id", node_id.into());
    }

    /// The program that does the tasks.
    #[must_use]
    pub fn runtime(&self) -> Option<Runtime> {
        self.text("runtime")?.parse().ok()
    }

    /// Sets the program that does the tasks.
    pub fn set_runtime(&mut self, runtime: Runtime) {
        self.put("runtime", runtime.name().into());
    }

    /// The address of the node's own hub; absent, the one of the person's settings holds.
    #[must_use]
    pub fn hub(&self) -> Option<&str> {
        self.text("hub")
    }

    /// Sets or removes the address of the node's own hub.
    pub fn set_hub(&mut self, hub: Option<&str>) {
        self.put_or_remove("hub", hub.map(Value::from));
    }

    /// The node's token. Its kind is not checked here, see [`crate::token::parse`].
    #[must_use]
    pub fn token(&self) -> Option<SecretString> {
        self.text("token").map(SecretString::from)
    }

    /// Sets or removes the node's token.
    pub fn set_token(&mut self, token: Option<&SecretString>) {
        self.put_or_remove("token", token.map(|token| token.expose_secret().into()));
    }

    /// Takes a member out, whatever it is.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.fields.shift_remove(key)
    }

    /// The network in which the node acts.
    #[must_use]
    pub fn network_id(&self) -> Option<&str> {
        self.text("network_id")
    }

    /// Sets or removes the network in which the node acts.
    pub fn set_network_id(&mut self, network_id: Option<&str>) {
        self.put_or_remove("network_id", network_id.map(Value::from));
    }

    /// The model that the runtime is to use.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.text("model")
    }

    /// Sets or removes the model.
    pub fn set_model(&mut self, model: Option<&str>) {
        self.put_or_remove("model", model.map(Value::from));
    }

    /// The variables of the runtime's environment, in the order of the file.
    #[must_use]
    pub fn env(&self) -> Vec<(String, EnvValue)> {
        let entries = self.fields.get("env").and_then(Value::as_object).into_iter().flatten();
        entries.filter_map(|(key, value)| Some((key.clone(), env_value(value)?))).collect()
    }

    /// Sets one variable of the runtime's environment, or removes it.
    pub fn set_env(&mut self, key: &str, value: Option<EnvValue>) {
        let mut entries = match self.fields.get_mut("env").map(Value::take) {
            Some(Value::Object(entries)) => entries,
            _ => Map::new(),
        };
        match value {
            Some(EnvValue::Plain(text)) => drop(entries.insert(key.to_owned(), text.into())),
            Some(EnvValue::Reference(name)) => drop(entries.insert(key.to_owned(), json!({ REFERENCE_KEY: name }))),
            None => drop(entries.shift_remove(key)),
        }
        self.put("env", Value::Object(entries));
    }

    /// Program and arguments of the `command` runtime; when present, never empty.
    #[must_use]
    pub fn command(&self) -> Option<Vec<String>> {
        let arguments = self.fields.get("command")?.as_array()?;
        Some(arguments.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Sets program and arguments of the `command` runtime.
    pub fn set_command(&mut self, program_and_arguments: &[String]) {
        self.put("command", json!(program_and_arguments));
    }

    /// Seconds that one task may take; 0 means without limit, absent means the runtime's own default.
    #[must_use]
    pub fn timeout_seconds(&self) -> Option<u64> {
        self.fields.get("timeout_seconds").and_then(Value::as_u64)
    }

    /// Sets or removes the seconds that one task may take.
    pub fn set_timeout_seconds(&mut self, seconds: Option<u64>) {
        self.put_or_remove("timeout_seconds", seconds.map(Value::from));
    }

    /// How many tasks the node does at the same time, at least 1 and 1 by default.
    #[must_use]
    pub fn max_concurrent(&self) -> u32 {
        self.fields.get("max_concurrent").and_then(whole_number_of_tasks).unwrap_or(1)
    }

    /// Sets how many tasks the node does at the same time, brought into 1 to [`MOST_CONCURRENT`].
    pub fn set_max_concurrent(&mut self, tasks: u32) {
        self.put("max_concurrent", tasks.clamp(1, MOST_CONCURRENT).into());
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn put(&mut self, key: &str, value: Value) {
        self.fields.insert(key.to_owned(), value);
    }

    fn put_or_remove(&mut self, key: &str, value: Option<Value>) {
        match value {
            Some(value) => self.put(key, value),
            // `remove` would move the last field into the gap.
            None => drop(self.fields.shift_remove(key)),
        }
    }
}

/// The identity of a node whose file has none: `n_` and the first 8 hex digits of the
/// SHA-1 of its directory's name, as the older tools derive it.
#[must_use]
pub fn derive_node_id(directory_name: &str) -> String {
    format!("n_{}", lower_hex(&Sha1::digest(directory_name.as_bytes())[..4]))
}

/// The first known field of the wrong kind, and what it must be.
fn find_wrong_field(fields: &Map<String, Value>) -> Option<(String, &'static str)> {
    for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let (is_right, expected) = match key.as_str() {
            text if TEXTS.contains(&text) => (value.is_string(), "a text"),
            "command" => (is_command(value), "a list of texts, the first of which is the program"),
            "timeout_seconds" => (value.is_u64(), "a whole number of seconds"),
            "max_concurrent" => (whole_number_of_tasks(value).is_some(), "a whole number from 1 to 1000"),
            "env" => (value.is_object(), "an object"),
            _ => continue,
        };
        if !is_right {
            return Some((key.clone(), expected));
        }
    }
    find_wrong_variable(fields.get("env")?.as_object()?)
}

fn find_wrong_variable(env: &Map<String, Value>) -> Option<(String, &'static str)> {
    for (name, value) in env.iter().filter(|(_, value)| !value.is_null()) {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Some(("env".to_owned(), "an object whose names are neither empty nor contain `=` or NUL"));
        }
        let is_right = match env_value(value) {
            Some(EnvValue::Plain(text)) => !text.contains('\0'),
            Some(EnvValue::Reference(name)) => !name.is_empty() && !name.contains(['=', '\0']),
            None => false,
        };
        if !is_right {
            return Some((format!("env.{name}"), "a text without NUL, or {\"_envRef\": \"NAME\"}"));
        }
    }
    None
}

fn env_value(value: &Value) -> Option<EnvValue> {
    match value {
        Value::String(text) => Some(EnvValue::Plain(text.clone())),
        Value::Object(members) => Some(EnvValue::Reference(members.get(REFERENCE_KEY)?.as_str()?.to_owned())),
        _ => None,
    }
}

fn is_command(value: &Value) -> bool {
    let Some(arguments) = value.as_array() else { return false };
    let texts: Option<Vec<&str>> = arguments.iter().map(Value::as_str).collect();
    texts.is_some_and(|texts| {
        texts.first().is_some_and(|program| !program.is_empty()) && texts.iter().all(|text| !text.contains('\0'))
    })
}

fn whole_number_of_tasks(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok().filter(|tasks| (1..=MOST_CONCURRENT).contains(tasks))
}

#[cfg(test)]
mod tests;
