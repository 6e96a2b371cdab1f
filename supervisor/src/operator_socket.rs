//! The operators' socket: members of a group may look, and start, stop and restart what is known already (R55).
//!
//! It stands outside `~/.anet`, which is closed to everybody else, in a directory that only the owner and the group can
//! enter: whether a peer is a member, with all its groups, is the kernel's decision when it connects.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anet_protocol::control::Operators;
use nix::unistd::{Gid, Group};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use crate::control_socket::{self, Doors};
use crate::local_socket;
use crate::registry::Registry;
use crate::settings_file::SupervisorOptions;

/// Where every user of a machine may make a directory, and nobody can take away another's.
const SHARED: &str = "/tmp";
const DIRECTORY_MODE: u32 = 0o750;
const SOCKET_MODE: u32 = 0o660;
/// What a peer may still take when its socket is closed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Serves the group of the settings in force, anew after each reload, until `leave` is cancelled. A fault is told in the
/// supervisor's status, and then nobody is served.
pub(crate) async fn keep(registry: Arc<Registry>, doors: Doors, leave: CancellationToken) {
    let context = &registry.context;
    loop {
        let options = context.options.read().unwrap_or_else(PoisonError::into_inner).supervisor.clone();
        let Some(group) = options.operator_group.clone() else {
            registry.show_operators(None);
            match leave.run_until_cancelled(context.reloaded.notified()).await {
                Some(()) => continue,
                None => return,
            }
        };
        let socket = socket_path(&options, nix::unistd::geteuid().as_raw());
        let bound = bind(&socket, &group);
        let problem = bound.as_ref().err().map(|error| format!("{}: {error}", socket.display()));
        if let Some(problem) = &problem {
            tracing::error!(group, problem, "operators are not served");
        }
        registry.show_operators(Some(Operators { group, socket: socket.clone(), problem }));
        let close = leave.child_token();
        let changed = async {
            while leave.run_until_cancelled(context.reloaded.notified()).await.is_some()
                && context.options.read().unwrap_or_else(PoisonError::into_inner).supervisor == options
            {}
            close.cancel();
        };
        match bound {
            Ok(listener) => {
                tokio::join!(control_socket::serve(listener, doors.clone(), close.clone(), || PATIENCE), changed);
                remove(&socket);
            }
            Err(_) => changed.await,
        }
        if leave.is_cancelled() {
            return;
        }
    }
}

/// The socket of these settings for the supervisor of this user.
fn socket_path(options: &SupervisorOptions, uid: u32) -> PathBuf {
    options.operator_socket.clone().unwrap_or_else(|| operators_socket(uid))
}

/// Where the operators of a user's supervisor connect, unless its settings name another place.
#[must_use]
pub fn operators_socket(uid: u32) -> PathBuf {
    Path::new(SHARED).join(format!("anet-{uid}")).join("operators.sock")
}

/// A listening socket for a group. It is open to the group only once everything else is done.
fn bind(socket: &Path, group: &str) -> io::Result<UnixListener> {
    let gid = find_group(group)?;
    let directory = socket.parent().filter(|_| socket.is_absolute()).ok_or_else(|| other("it is no absolute path"))?;
    make_directory(directory, socket.file_name().unwrap_or_default(), gid)?;
    let listener = local_socket::bind(socket)?;
    give(socket, gid, SOCKET_MODE)?;
    give(directory, gid, DIRECTORY_MODE)?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// Why nobody can be served by these settings, as far as that is known without trying.
pub(crate) fn fault(options: &SupervisorOptions) -> Option<String> {
    let group = options.operator_group.as_deref()?;
    find_group(group).err().map(|error| format!("operators are not served: {error}"))
}

/// A group by name or number.
fn find_group(group: &str) -> io::Result<Gid> {
    if let Ok(number) = group.parse() {
        return Ok(Gid::from_raw(number));
    }
    let found = Group::from_name(group)?.ok_or_else(|| other(&format!("there is no group {group}")))?;
    Ok(found.gid)
}

/// Makes the directory, or checks that the one that is there holds nothing but the socket, so that its mode may be set.
fn make_directory(directory: &Path, socket: &OsStr, gid: Gid) -> io::Result<()> {
    let parent = std::fs::metadata(directory.parent().unwrap_or(directory))?;
    let (is_open, is_sticky) = (parent.mode() & 0o002 != 0, parent.mode() & 0o1000 != 0);
    if is_open && !is_sticky {
        return Err(other("others can write to the directory above, and could replace it"));
    }
    match std::fs::DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        outcome => return outcome,
    }
    let found = std::fs::symlink_metadata(directory)?;
    if !found.is_dir() || found.uid() != nix::unistd::geteuid().as_raw() {
        return Err(other(&format!("its directory is uid {}'s, or no directory", found.uid())));
    }
    if found.gid() == gid.as_raw() && found.mode() & 0o7777 == DIRECTORY_MODE {
        return Ok(());
    }
    for entry in std::fs::read_dir(directory)? {
        if entry?.file_name() != socket {
            let text = format!("its directory holds other files, and is not of group {gid} with mode 0750");
            return Err(other(&text));
        }
    }
    Ok(())
}

fn give(path: &Path, gid: Gid, mode: u32) -> io::Result<()> {
    nix::unistd::chown(path, None, Some(gid)).map_err(|error| {
        other(&format!("it cannot be given to group {gid}, of which this user must be a member: {error}"))
    })?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

/// Whoever comes finds no socket rather than one that nobody answers at.
fn remove(socket: &Path) {
    if let Err(error) = local_socket::remove_stale(socket) {
        tracing::warn!(%error, socket = %socket.display(), "the operators' socket is left behind");
    }
    // A directory that holds something else stays.
    if let Some(Err(error)) = socket.parent().map(std::fs::remove_dir) {
        tracing::debug!(%error, socket = %socket.display(), "the directory of the operators' socket stays");
    }
}

fn other(text: &str) -> io::Error {
    io::Error::other(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o7777
    }

    /// A group of which every user that runs this test is a member.
    fn own_group() -> String {
        nix::unistd::getegid().to_string()
    }

    #[tokio::test]
    async fn socket_and_directory_are_open_to_the_group_and_closed_to_others() {
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("ops/s");
        for _ in 0..2 {
            drop(bind(&socket, &own_group()).unwrap());
            assert_eq!((mode(socket.parent().unwrap()), mode(&socket)), (0o750, 0o660));
        }
        remove(&socket);
        assert!(!socket.parent().unwrap().exists());
    }

    #[tokio::test]
    async fn a_directory_that_holds_something_else_is_not_opened_to_the_group() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("mine");
        std::fs::create_dir(&directory).unwrap();
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::write(directory.join("letter"), "private").unwrap();
        let error = bind(&directory.join("s"), &own_group()).unwrap_err().to_string();
        assert!(error.contains("holds other files"), "{error}");
        assert_eq!(mode(&directory), 0o700);
    }

    #[tokio::test]
    async fn a_link_or_a_place_where_others_may_write_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let real = place.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, place.path().join("link")).unwrap();
        assert!(bind(&place.path().join("link/s"), &own_group()).unwrap_err().to_string().contains("no directory"));
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(bind(&real.join("ops/s"), &own_group()).unwrap_err().to_string().contains("could replace it"));
        assert!(bind(&place.path().join("ops/s"), "no-such-group-here").is_err());
    }
}
