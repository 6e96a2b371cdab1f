//! The files of a program that is kept alive: `.anet/programs/<name>/config.json` and `.env`.

use std::path::{Path, PathBuf};

use anet_protocol::env_file;
use serde_json::{Map, Value, json};

use crate::environment::program_directory;
use crate::failure::Failure;
use crate::files;
use crate::node_files::ignore_in_git;

/// What a program is made from.
#[derive(Debug, PartialEq)]
pub(crate) struct NewProgram {
    pub name: String,
    pub command: Vec<String>,
    /// Where it runs; absolute.
    pub directory: PathBuf,
    pub port: Option<u16>,
    /// Whether it sends `READY=1`.
    pub tells_ready: bool,
    /// Its environment as far as it is not secret.
    pub env: Vec<(String, String)>,
    /// What goes into its `.env`.
    pub secrets: Vec<(String, String)>,
    /// How it is to be kept, as far as that is its own: keys of a section of `supervisor.toml`.
    pub policy: Map<String, Value>,
}

/// Writes its files, closed to others, and keeps them out of git.
///
/// # Errors
/// When one cannot be written.
pub(crate) fn create(project: &Path, new: &NewProgram) -> Result<(), Failure> {
    let mut text = String::new();
    for (key, value) in &new.secrets {
        text = env_file::set(&text, key, value)?;
    }
    let mut config = Map::new();
    config.insert("command".to_owned(), json!(new.command));
    config.insert("directory".to_owned(), json!(new.directory));
    if let Some(port) = new.port {
        config.insert("port".to_owned(), json!(port));
    }
    config.insert("tells_ready".to_owned(), json!(new.tells_ready));
    let env: Map<_, _> = new.env.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    config.insert("env".to_owned(), json!(env));
    if !new.policy.is_empty() {
        config.insert("policy".to_owned(), json!(new.policy));
    }
    let directory = program_directory(project, &new.name);
    files::create_private_directory(&directory)?;
    ignore_in_git(project)?;
    if !text.is_empty() {
        files::write_private(&directory.join(".env"), &text)?;
    }
    Ok(files::write_private(&directory.join("config.json"), &format!("{:#}\n", json!(config)))?)
}
