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
    names_in(&project.join(".anet/nodes"))
}

/// The names of the programs in a project, sorted.
///
/// # Errors
/// As [`names`].
pub(crate) fn program_names(project: &Path) -> Result<Vec<String>, Failure> {
    names_in(&project.join(".anet/programs"))
}

fn names_in(directory: &Path) -> Result<Vec<String>, Failure> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::failed(error).context(format!("cannot list {}", directory.display()))),
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
    let text = files::read_own(&path)?.ok_or_else(|| Failure::message(format!("there is no {}", path.display())))?;
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

/// What of `.anet` must not get into git: tokens, logs, and, where the project is a home directory, the logins too.
const NOT_FOR_GIT: [&str; 7] = ["nodes/", "programs/", ".env*", "config.json*", "server/", "supervisor/", "run/"];

/// Adds what is missing in `.anet/.gitignore`.
///
/// # Errors
/// When it cannot be read or written.
pub(crate) fn ignore_in_git(project: &Path) -> Result<(), Failure> {
    let path = project.join(".anet/.gitignore");
    let mut text = files::read_optional(&path)?.unwrap_or_default();
    let is_listed = |pattern: &str| text.lines().any(|line| line.trim() == pattern);
    let missing: Vec<_> = NOT_FOR_GIT.into_iter().filter(|pattern| !is_listed(pattern)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for pattern in missing {
        text += pattern;
        text.push('\n');
    }
    Ok(files::write_private(&path, &text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_kept_out_of_git_and_a_persons_own_lines_stay() {
        let project = tempfile::tempdir().unwrap();
        let path = project.path().join(".anet/.gitignore");
        std::fs::create_dir(project.path().join(".anet")).unwrap();
        std::fs::write(&path, "mine\nnodes/").unwrap();
        ignore_in_git(project.path()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "mine\nnodes/\nprograms/\n.env*\nconfig.json*\nserver/\nsupervisor/\nrun/\n");
        ignore_in_git(project.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "once");
    }
}
