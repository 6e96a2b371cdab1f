/// Why a secret cannot be used. No message repeats anything of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct SecretError {
    /// What is wrong with which file or reference.
    pub error: String,
    /// The command that mends it.
    pub hint: Option<String>,
}
