use serde::{Deserialize, Serialize};

/// Where the value of a reference (`{"_envRef": NAME}`) stands, as the next start would find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueSource {
    /// The node's `.env`.
    DotEnv,
    /// `$CREDENTIALS_DIRECTORY` of the supervisor.
    Credential,
    /// What the supervisor was handed as an open descriptor (`--secrets fd:N`).
    Descriptor,
    /// The supervisor's environment.
    Environment,
}

/// A reference of a node, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its name.
    pub name: String,
    /// Where its value stands; absent where it has none.
    pub source: Option<ValueSource>,
}

/// `GET /v1/nodes/{name}/references`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct References {
    /// Those of its configuration, in their order.
    pub references: Vec<Reference>,
}
