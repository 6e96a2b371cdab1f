use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::own_file::shell_word;
use crate::doctor::repair::Repair;

/// Deeper than the supervisor's logs nothing lies in `~/.anet`.
const DEEPEST: usize = 3;

/// More files than this are not looked at; the rest lies in directories that are closed.
const MOST: usize = 20_000;

pub(super) const CHECK: Check = Check {
    id: "private_files",
    title: "files",
    finds: "a file, directory or socket of `~/.anet`, of a node or of the hub's database is open to others, belongs to somebody else, \
            or is a link or one of several names of a file where a secret should lie",
    why: "who can read them can act as you; who can write them decides what your nodes run",
    worst: Severity::Error,
    mends: Some(
        "takes group's and others' rights away; a link, a file with several names and one of somebody else are left alone",
    ),
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let paths = paths(facts);
    for path in &paths {
        if let Ok(metadata) = path.symlink_metadata() {
            judge(path, &metadata, nix::unistd::geteuid().as_raw(), findings);
        }
    }
    if findings.is_empty() {
        findings.ok((), format!("{} looked at, each closed to others", paths.len()));
    }
}

/// What must be private.
fn paths(facts: &Facts<'_>) -> Vec<PathBuf> {
    let home = &facts.patient.home;
    let mut paths = vec![home.clone()];
    collect(home, DEEPEST, &mut paths);
    for project in facts.projects() {
        paths.push(project.join(".anet/nodes"));
    }
    for node in &facts.nodes {
        paths.push(node.directory.clone());
        // What lies deeper is the agent's own, behind a directory that is closed.
        collect(&node.directory, 1, &mut paths);
    }
    for ending in ["", "-wal", "-shm", ".lock"] {
        let mut path = facts.patient.database.clone().into_os_string();
        path.push(ending);
        paths.push(path.into());
    }
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn collect(directory: &Path, depth: usize, paths: &mut Vec<PathBuf>) {
    // A link to a directory leads out of what is ours.
    if !directory.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return;
    }
    for entry in std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
        if paths.len() >= MOST {
            return;
        }
        paths.push(entry.path());
        if depth > 1 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), depth - 1, paths);
        }
    }
}

fn judge(path: &Path, metadata: &Metadata, me: u32, findings: &mut Findings) {
    let kind = metadata.file_type();
    let (mode, owner) = (metadata.mode() & 0o7777, metadata.uid());
    let shown = shell_word(path);
    if owner != me {
        findings.error(path, format!("it belongs to uid {owner}, not to uid {me}")).command(format!("ls -ld {shown}"));
    } else if kind.is_symlink() {
        if holds_secret(path) {
            let seen = "it is a symbolic link, which is not followed";
            findings.error(path, seen).command(format!("ls -l {shown}"));
        }
    } else if kind.is_file() && metadata.nlink() > 1 {
        if holds_secret(path) {
            let seen = format!("the file has {} names, and its modes are those of all", metadata.nlink());
            findings.warning(path, seen).command(format!("find -xdev -samefile {shown}"));
        }
    } else if mode & 0o077 != 0 && (kind.is_file() || kind.is_dir() || kind.is_socket()) {
        let finding = findings.warning(path, format!("others can get at it (mode {mode:04o})"));
        finding.command(format!("chmod go-rwx {shown}")).repair(Repair::Close { path: path.to_owned() });
    }
}

/// Whether a secret or what decides about one lies at this path.
fn holds_secret(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
        name.starts_with(".env")
            || name.starts_with("config.json")
            || matches!(name, "admin-utok.json" | "state.json" | "state-latest.json")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::doctor::checks::testing::findings_of;

    fn seen(path: &Path, me: u32) -> Vec<(Severity, bool)> {
        let found = findings_of(CHECK, |findings| {
            judge(path, &path.symlink_metadata().unwrap(), me, findings);
        });
        found.into_iter().map(|finding| (finding.severity, finding.repair.is_some())).collect()
    }

    #[test]
    fn an_open_file_is_closed_and_a_link_a_second_name_and_a_strangers_file_are_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let me = nix::unistd::geteuid().as_raw();
        let file = directory.path().join("config.json");
        std::fs::write(&file, "{}").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(seen(&file, me), []);
        assert_eq!(seen(&file, me + 1), [(Severity::Error, false)]);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(seen(&file, me), [(Severity::Warning, true)]);
        std::fs::hard_link(&file, directory.path().join("other")).unwrap();
        assert_eq!(seen(&file, me), [(Severity::Warning, false)]);
        let link = directory.path().join(".env");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(seen(&link, me), [(Severity::Error, false)]);
    }
}
