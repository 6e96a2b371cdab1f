//! What `--fix` may do. Each repair looks again at what it changes, and does nothing where that is no longer as it was
//! found.

use std::fs::{Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anet_protocol::node_config::NodeConfig;
use nix::fcntl::OFlag;
use rustix::process::Signal;
use serde::Serialize;
use serde_json::{Map, Value};

use super::checks::{git, leftovers};
use super::own_file::{self, OwnFile};
use crate::private_file::{self, FileError, FileLock};
use crate::system::pid_file_descriptor::PidFileDescriptor;

/// How long an orphan has to leave after SIGTERM, and to disappear after SIGKILL.
const GRACE: Duration = Duration::from_secs(3);

/// A repair that is safe to do without asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Take group's and others' rights away.
    Close {
        /// A file, directory or socket of this user's.
        path: PathBuf,
    },
    /// Change a node's `config.json`; keys that nobody knows stay.
    Config {
        /// The node's directory.
        directory: PathBuf,
        /// The change.
        edit: ConfigEdit,
    },
    /// Add to a project's `.anet/.gitignore` what is missing.
    Ignore {
        /// The file.
        path: PathBuf,
    },
    /// Remove a leftover, if it still is the one that was seen.
    Remove {
        /// Where.
        path: PathBuf,
        /// Which file it is.
        identity: FileIdentity,
    },
    /// Remove a socket that nobody listens on, while no supervisor runs or starts.
    RemoveSocket {
        /// Where.
        path: PathBuf,
        /// What a supervisor holds locked for its life.
        lock: PathBuf,
    },
    /// End a process.
    EndProcess {
        /// Its id.
        pid: u32,
        /// Clock ticks since boot; with the id it names a process for good.
        start_time: u64,
        /// Its program's name.
        name: String,
    },
    /// Give a node a new token. Done by the program around this library.
    Token {
        /// The node.
        name: String,
        /// Its project.
        project: PathBuf,
    },
    /// Start the supervisor. Done by the program around this library.
    StartSupervisor,
    /// Make a new login of the hub's host. Done by the program around this library.
    RenewAdminLogin,
}

/// Which file a path led to when it was seen: the number of an inode alone is given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

impl FileIdentity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Self { device: metadata.dev(), inode: metadata.ino(), changed }
    }
}

/// A change of a node's `config.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigEdit {
    /// A field under a new name, in its old place.
    Rename {
        /// The old name.
        from: &'static str,
        /// The new name.
        to: &'static str,
    },
    /// The runtime under its canonical name.
    Runtime(&'static str),
    /// The identity, where none is written down.
    NodeId(String),
    /// A field less.
    Remove(&'static str),
}

/// What a repair changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// How it was.
    pub before: String,
    /// How it is.
    pub after: String,
}

impl Change {
    /// From one to the other.
    pub fn new(before: impl Into<String>, after: impl Into<String>) -> Self {
        Self { before: before.into(), after: after.into() }
    }
}

/// Why a repair was not done.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// What was found is not there any more, or is another thing by now.
    #[error("{}: {problem}", path.display())]
    NotAsFound {
        /// Where.
        path: PathBuf,
        /// What is there.
        problem: String,
    },
    /// The system refused.
    #[error("cannot {doing} {}", path.display())]
    System {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The process lives on.
    #[error("{name} (process {pid}) is still alive after SIGKILL")]
    Survivor {
        /// Its name.
        name: String,
        /// Its id.
        pid: u32,
    },
    /// This library cannot do it.
    #[error("this repair is done by the program around the doctor")]
    NotHere,
}

impl RepairError {
    fn not_as_found(path: &Path, problem: impl Into<String>) -> Self {
        Self::NotAsFound { path: path.to_owned(), problem: problem.into() }
    }

    fn system(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { doing, path: path.to_owned(), source }
    }
}

/// Does a repair; `None` when there was nothing left to do.
///
/// # Errors
/// [`RepairError`]; what was to be repaired is then as it was.
pub async fn apply(repair: &Repair) -> Result<Option<Change>, RepairError> {
    match repair {
        Repair::Close { path } => close(path),
        Repair::Config { directory, edit } => {
            let (path, edit) = (directory.join("config.json"), edit.clone());
            let edited = tokio::task::spawn_blocking(move || edit_config(&path, &edit)).await;
            edited.map_err(|error| RepairError::not_as_found(directory, error.to_string()))?
        }
        Repair::Ignore { path } => ignore(path),
        Repair::Remove { path, identity } => remove(path, *identity),
        Repair::RemoveSocket { path, lock } => remove_socket(path, lock),
        Repair::EndProcess { pid, start_time, name } => end(*pid, *start_time, name).await,
        Repair::Token { .. } | Repair::StartSupervisor | Repair::RenewAdminLogin => Err(RepairError::NotHere),
    }
}

fn close(path: &Path) -> Result<Option<Change>, RepairError> {
    // By a handle, so that what was looked at is what is changed; it opens sockets and unreadable files too.
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path);
    let file = file.map_err(RepairError::system("open", path))?;
    let metadata = file.metadata().map_err(RepairError::system("look at", path))?;
    if metadata.file_type().is_symlink() {
        return Err(RepairError::not_as_found(path, "it is a symbolic link"));
    }
    if metadata.uid() != nix::unistd::geteuid().as_raw() {
        return Err(RepairError::not_as_found(path, format!("it belongs to uid {}", metadata.uid())));
    }
    if metadata.is_file() && metadata.nlink() > 1 {
        return Err(RepairError::not_as_found(path, "the file has several names"));
    }
    let mode = metadata.mode() & 0o7777;
    let closed = mode & 0o700;
    if mode == closed {
        return Ok(None);
    }
    let handle = format!("/proc/self/fd/{}", file.as_raw_fd());
    std::fs::set_permissions(handle, Permissions::from_mode(closed)).map_err(RepairError::system("close", path))?;
    Ok(Some(Change::new(format!("mode {mode:04o}"), format!("mode {closed:04o}"))))
}

fn read_text(path: &Path) -> Result<Option<String>, RepairError> {
    match own_file::read(path) {
        OwnFile::Absent => Ok(None),
        OwnFile::Text(text) => Ok(Some(text)),
        OwnFile::Refused(problem) => Err(RepairError::not_as_found(path, problem.seen)),
    }
}

fn edit_config(path: &Path, edit: &ConfigEdit) -> Result<Option<Change>, RepairError> {
    // Whoever else changes the file, a repair of the token for one, waits meanwhile.
    let _lock = FileLock::wait(&path.with_file_name("config.json.lock"))?;
    let text = read_text(path)?.ok_or_else(|| RepairError::not_as_found(path, "it is gone"))?;
    let fields = serde_json::from_str(&text).map_err(|error| RepairError::not_as_found(path, error.to_string()))?;
    let Some((fields, change)) = edited(fields, edit) else { return Ok(None) };
    let text = format!("{:#}\n", Value::Object(fields));
    // A change that this program could not read again is no repair.
    NodeConfig::parse(&text, "config.json").map_err(|error| RepairError::not_as_found(path, error.to_string()))?;
    private_file::write(path, &text)?;
    Ok(Some(change))
}

/// The fields with the change; `None` where it is made already.
fn edited(mut fields: Map<String, Value>, edit: &ConfigEdit) -> Option<(Map<String, Value>, Change)> {
    let change = match edit {
        ConfigEdit::Rename { from, to } => {
            if !fields.contains_key(*from) || fields.contains_key(*to) {
                return None;
            }
            let rename = |key: String| if key == *from { (*to).to_owned() } else { key };
            fields = fields.into_iter().map(|(key, value)| (rename(key), value)).collect();
            Change::new(format!("`{from}`"), format!("`{to}`"))
        }
        ConfigEdit::Runtime(name) => {
            let before = fields.insert("runtime".to_owned(), (*name).into())?;
            if before == *name {
                return None;
            }
            Change::new(format!("runtime {before}"), format!("runtime {name}"))
        }
        ConfigEdit::NodeId(id) => {
            if fields.get("node_id").and_then(Value::as_str).is_some_and(|id| !id.is_empty()) {
                return None;
            }
            fields.insert("node_id".to_owned(), id.as_str().into());
            Change::new("no `node_id`", format!("`node_id` {id}"))
        }
        ConfigEdit::Remove(key) => {
            // `remove` would move the last field into the gap.
            let before = fields.shift_remove(*key)?;
            Change::new(format!("`{key}` {before}"), format!("no `{key}`"))
        }
    };
    Some((fields, change))
}

fn ignore(path: &Path) -> Result<Option<Change>, RepairError> {
    let mut text = read_text(path)?.unwrap_or_default();
    let missing = git::missing(&text);
    if missing.is_empty() {
        return Ok(None);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for line in &missing {
        text += line;
        text.push('\n');
    }
    private_file::write(path, &text)?;
    Ok(Some(Change::new(format!("without {}", missing.join(" ")), "with them")))
}

fn remove(path: &Path, identity: FileIdentity) -> Result<Option<Change>, RepairError> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RepairError::system("look at", path)(error)),
    };
    if FileIdentity::of(&metadata) != identity {
        return Err(RepairError::not_as_found(path, "another file has taken its place"));
    }
    std::fs::remove_file(path).map_err(RepairError::system("remove", path))?;
    Ok(Some(Change::new(format!("{} bytes", metadata.len()), "removed")))
}

/// Inode numbers are given again at once, so a supervisor that starts meanwhile could have bound the very same one; it
/// cannot while its lock is held here.
fn remove_socket(path: &Path, lock: &Path) -> Result<Option<Change>, RepairError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(lock);
    let file = file.map_err(RepairError::system("open the lock", lock))?;
    if file.try_lock().is_err() {
        // A supervisor runs by now, and the socket is its own.
        return Ok(None);
    }
    if !leftovers::is_unheard(path) {
        return Ok(None);
    }
    std::fs::remove_file(path).map_err(RepairError::system("remove", path))?;
    Ok(Some(Change::new("a socket that nobody listens on", "removed")))
}

async fn end(pid: u32, start_time: u64, name: &str) -> Result<Option<Change>, RepairError> {
    let path = PathBuf::from(format!("/proc/{pid}"));
    let open = PidFileDescriptor::open(pid, start_time).map_err(RepairError::system("open the process", &path))?;
    let Some(process) = open else { return Ok(None) };
    for (signal, word) in [(Signal::TERM, "SIGTERM"), (Signal::KILL, "SIGKILL")] {
        process.signal(signal).map_err(RepairError::system("signal", &path))?;
        if let Ok(exited) = tokio::time::timeout(GRACE, process.exited()).await {
            exited.map_err(RepairError::system("wait for", &path))?;
            return Ok(Some(Change::new(format!("{name} (process {pid}) runs"), format!("ended by {word}"))));
        }
    }
    Err(RepairError::Survivor { name: name.to_owned(), pid })
}

#[cfg(test)]
mod tests;
