use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::sys::statvfs::statvfs;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::finding::Severity;
use crate::doctor::own_file::shell_word;
use crate::launch::hub;

/// Room for a few minutes of a busy hub.
const LITTLE: u64 = 256 * 1024 * 1024;

/// Room for the next writes.
const ALMOST_NONE: u64 = 32 * 1024 * 1024;

/// Files that can still be made.
const FEW_FILES: u64 = 10_000;

/// Files for the next writes.
const ALMOST_NO_FILES: u64 = 500;

pub(super) const CHECK: Check = Check {
    id: "disk",
    title: "room on disk",
    finds: "a file system that `~/.anet`, the hub's database, a project or a log lies on has less than 256 MiB or 10 000 inodes left (an \
            error below 32 MiB or 500)",
    why: "a full disk stops the hub: nothing is answered that is not written",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let mut places = vec![facts.patient.home.clone()];
    places.extend(facts.patient.database.parent().map(Path::to_path_buf));
    places.extend(facts.projects());
    places.extend([facts.paths.state_directory.clone(), hub::log_directory(&facts.paths)]);
    // A directory of logs may be a link to a disk of their own.
    places.extend(facts.nodes.iter().map(|node| node.directory.join("logs")));
    let mut seen = HashSet::new();
    for place in places {
        let Ok(metadata) = std::fs::metadata(&place) else { continue };
        if !seen.insert(metadata.dev()) {
            continue;
        }
        let Ok(status) = statvfs(&*place) else { continue };
        let bytes = status.blocks_available().saturating_mul(status.fragment_size());
        // File systems that make inodes as needed say that they have none.
        let files = (status.files() > 0).then(|| status.files_available());
        let left = match files {
            Some(files) => format!("{} MiB and {files} inodes left", bytes >> 20),
            None => format!("{} MiB left", bytes >> 20),
        };
        let command = format!("df -h {0} && df -i {0}", shell_word(&place));
        match judge(bytes, files) {
            Severity::Error => drop(findings.error(&*place, left).command(command)),
            Severity::Warning => drop(findings.warning(&*place, left).command(command)),
            Severity::Ok | Severity::Fact => findings.ok(&*place, left),
        }
    }
}

fn judge(bytes: u64, files: Option<u64>) -> Severity {
    let files = files.unwrap_or(u64::MAX);
    if bytes < ALMOST_NONE || files < ALMOST_NO_FILES {
        Severity::Error
    } else if bytes < LITTLE || files < FEW_FILES {
        Severity::Warning
    } else {
        Severity::Ok
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_and_inodes_both_count() {
        for (bytes, files, expected) in [
            (1 << 30, Some(1_000_000), Severity::Ok),
            (1 << 30, None, Severity::Ok),
            (100 << 20, Some(1_000_000), Severity::Warning),
            (1 << 30, Some(9_999), Severity::Warning),
            (31 << 20, None, Severity::Error),
            (1 << 30, Some(499), Severity::Error),
        ] {
            assert_eq!(judge(bytes, files), expected, "{bytes} {files:?}");
        }
    }
}
