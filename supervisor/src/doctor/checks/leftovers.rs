use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::own_file::shell_word;
use crate::doctor::patient::SupervisorSight;
use crate::doctor::repair::{FileIdentity, Repair};

/// How the temporary files of a write begin: those of the state file, and those that the crate `tempfile` names.
const TEMPORARY: [&str; 3] = [".state-", ".unfinished-", ".tmp"];

/// A file that was written to more recently may belong to a write that is under way.
const OLD: Duration = Duration::from_secs(60);

pub(super) const CHECK: Check = Check {
    id: "leftovers",
    title: "leftovers",
    finds: "temporary files of writes that were cut off, and sockets nobody listens on while no supervisor runs",
    why: "they hold copies of secrets, and room",
    worst: Severity::Warning,
    mends: Some("removes them"),
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let home = &facts.patient.home;
    let mut directories = vec![home.clone(), home.join("server"), home.join("supervisor")];
    directories.extend(facts.nodes.iter().map(|node| node.directory.clone()));
    for directory in directories {
        for path in temporary_files(&directory, facts.now.as_millis()) {
            let Ok(metadata) = path.symlink_metadata() else { continue };
            let finding = findings.warning(&*path, "left over from a write that was cut off");
            finding.command(format!("rm {}", shell_word(&path)));
            finding.repair(Repair::Remove { identity: FileIdentity::of(&metadata), path: path.clone() });
        }
    }
    if matches!(facts.patient.supervisor, SupervisorSight::NotRunning) {
        for path in [&facts.paths.control_socket, &facts.paths.notify_socket, &facts.paths.credential_socket] {
            let is_socket = path.symlink_metadata().is_ok_and(|metadata| metadata.file_type().is_socket());
            if is_socket && is_unheard(path) {
                let finding = findings.warning(&**path, "nobody listens on this socket");
                finding.command(format!("rm {}", shell_word(path)));
                finding.repair(Repair::RemoveSocket { path: path.clone(), lock: facts.paths.lock.clone() });
            }
        }
    }
}

/// Whether a connection is refused, which is the kernel's word that no process has the socket open.
pub(in crate::doctor) fn is_unheard(path: &Path) -> bool {
    let refused = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => false,
        Err(error) if refused(&error) => true,
        // A socket for datagrams takes no stream.
        Err(_) => {
            let datagram = std::os::unix::net::UnixDatagram::unbound();
            datagram.is_ok_and(|socket| socket.connect(path).is_err_and(|error| refused(&error)))
        }
    }
}

fn temporary_files(directory: &Path, now: i64) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let is_left_over = |entry: &std::fs::DirEntry| {
        let name = entry.file_name();
        let is_temporary =
            name.to_str().is_some_and(|name| TEMPORARY.iter().any(|beginning| name.starts_with(beginning)));
        is_temporary
            && entry.metadata().is_ok_and(|metadata| {
                let age = now.saturating_sub(metadata.mtime().saturating_mul(1000));
                metadata.is_file()
                    && metadata.uid() == nix::unistd::geteuid().as_raw()
                    && age > i64::try_from(OLD.as_millis()).unwrap_or(i64::MAX)
            })
    };
    entries.filter(is_left_over).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_temporary_files_are_left_over() {
        let directory = tempfile::tempdir().unwrap();
        for name in [".state-abc", ".tmpAbC12d", "config.json", ".env"] {
            std::fs::write(directory.path().join(name), "x").unwrap();
        }
        let metadata = directory.path().join(".env").metadata().unwrap();
        let written = metadata.mtime() * 1000;
        assert_eq!(temporary_files(directory.path(), written + 1000), Vec::<PathBuf>::new());
        assert_eq!(temporary_files(directory.path(), written + 3_600_000).len(), 2);
    }

    #[test]
    fn a_socket_is_unheard_once_its_process_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(!is_unheard(&path));
        drop(listener);
        assert!(is_unheard(&path));
        let path = directory.path().join("d");
        let listener = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        assert!(!is_unheard(&path));
        drop(listener);
        assert!(is_unheard(&path));
    }
}
