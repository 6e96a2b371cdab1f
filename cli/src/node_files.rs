//! The files of a node: `.anet/nodes/<name>/config.json` and `.env`.

use std::path::{Path, PathBuf};

use anet_protocol::env_file;
use anet_protocol::node_config::NodeConfig;

use crate::environment::node_directory;
use crate::failure::Failure;
use crate::files;

/// The project that a node of this name belongs to, looking from `directory` upwards.
pub(crate) fn find_project(directory: &Path, name: &str) -> Option<PathBuf> {
    directory.ancestors().find(|project| node_directory(project, name).is_dir()).map(Path::to_path_buf)
}

/// The names of the nodes in a project, sorted.
///
/// # Errors
/// When the directory exists and cannot be read.
pub(crate) fn names(project: &Path) -> Result<Vec<String>, Failure> {
    let entries = match std::fs::read_dir(project.join(".anet/nodes")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::failed(error).context("cannot list the nodes of this project")),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Reads a node's `config.json`.
///
/// # Errors
/// When it is missing or broken; the error names file, line and column.
pub(crate) fn read_config(directory: &Path) -> Result<NodeConfig, Failure> {
    let path = directory.join("config.json");
    let text =
        files::read_optional(&path)?.ok_or_else(|| Failure::message(format!("there is no {}", path.display())))?;
    Ok(NodeConfig::parse(&text, &path.display().to_string())?)
}

/// Writes a new node's files, all closed to others, and keeps them out of git.
///
/// # Errors
/// When one cannot be written.
pub(crate) fn create(
    project: &Path,
    name: &str,
    config: &NodeConfig,
    secrets: &[(String, String)],
) -> Result<(), Failure> {
    let directory = node_directory(project, name);
    files::create_private_directory(&directory)?;
    ignore_in_git(project)?;
    if !secrets.is_empty() {
        let mut text = String::new();
        for (key, value) in secrets {
            text = env_file::set(&text, key, value)?;
        }
        files::write_private(&directory.join(".env"), &text)?;
    }
    Ok(files::write_private(&directory.join("config.json"), &config.to_text())?)
}

/// Adds `nodes/`, which holds tokens and logs, to `.anet/.gitignore`.
fn ignore_in_git(project: &Path) -> Result<(), Failure> {
    let path = project.join(".anet/.gitignore");
    let text = files::read_optional(&path)?.unwrap_or_default();
    if text.lines().any(|line| line.trim() == "nodes/") {
        return Ok(());
    }
    let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    Ok(files::write_private(&path, &format!("{text}{separator}nodes/\n"))?)
}
