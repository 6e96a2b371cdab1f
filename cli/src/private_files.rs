//! The files that hold secrets: closed to everybody else, and nobody else's. Looked at where something is started or
//! somebody logs in.

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::Failure;
use crate::files;
use crate::node_files;

/// Deeper than the supervisor's logs nothing lies in `~/.anet`, and a project below a home is no business of this.
const DEEPEST: usize = 3;

/// Refuses files of others in `~/.anet`, and closes what is open to them.
///
/// # Errors
/// When `config.json` or `server/admin-utok.json` is a link or somebody else's, or a mode cannot be changed.
pub(crate) fn secure_home(context: &Context) -> Result<(), Failure> {
    let environment = &context.environment;
    let home = &environment.home;
    for path in [environment.global_config(), environment.server_directory().join("admin-utok.json")] {
        files::read_own(&path)?;
    }
    let mut paths = vec![home.clone()];
    collect(home, DEEPEST, &mut paths)?;
    let database = |ending: &str| {
        let mut path = environment.database.clone().into_os_string();
        path.push(ending);
        PathBuf::from(path)
    };
    paths.extend(["", "-wal", "-shm", ".lock"].map(database));
    tighten(context, &paths)
}

/// Closes what is open to others of the nodes of a project.
///
/// # Errors
/// When a mode cannot be changed.
pub(crate) fn secure_nodes(context: &Context, project: &Path) -> Result<(), Failure> {
    let mut paths = vec![project.join(".anet/nodes")];
    for name in node_files::names(project)? {
        let directory = node_directory(project, &name);
        paths.push(directory.clone());
        // What lies deeper is the agent's own, behind a directory that is closed.
        collect(&directory, 1, &mut paths)?;
    }
    tighten(context, &paths)
}

/// The same, and refuses a `config.json` of others in the node that is meant.
///
/// # Errors
/// When it is a link or somebody else's, or a mode cannot be changed.
pub(crate) fn secure_node(context: &Context, project: &Path, name: &str) -> Result<(), Failure> {
    files::read_own(&node_directory(project, name).join("config.json"))?;
    secure_nodes(context, project)
}

/// Everything below `directory`, as deep as told; links are named and not followed.
fn collect(directory: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::failed(error).context(format!("cannot look into {}", directory.display()))),
    };
    for entry in entries {
        let entry = entry?;
        paths.push(entry.path());
        if depth > 1 && entry.file_type()?.is_dir() {
            collect(&entry.path(), depth - 1, paths)?;
        }
    }
    Ok(())
}

fn tighten(context: &Context, paths: &[PathBuf]) -> Result<(), Failure> {
    let mut closed = Vec::new();
    for path in paths {
        if let Some(mode) = files::tighten(path)? {
            closed.push(format!("{} (was {mode:04o})", path.display()));
        }
    }
    if !closed.is_empty() {
        context.printer.note(&format!("closed to other users: {}", closed.join(", ")))?;
    }
    Ok(())
}
