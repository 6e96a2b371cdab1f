//! File systems on which a watch succeeds and stays silent.

use std::path::Path;

use nix::sys::statfs::statfs;

use super::WatchError;

/// `f_type` of statfs(2), from linux/magic.h and the file systems' sources. Somebody else changes
/// the files (a server, the host of a container or of a virtual machine), or the kernel makes them up.
const SILENT: [u32; 12] = [
    0x6969,      // NFS
    0x517B,      // SMB
    0xFF53_4D42, // CIFS
    0xFE53_4D42, // SMB 2 and 3
    0x564C,      // NCP
    0x5346_414F, // AFS
    0x7375_7245, // Coda
    0x00C3_6400, // Ceph
    0x0102_1997, // 9P: the drives of Windows under WSL 2
    0x6573_5546, // FUSE: sshfs, virtiofs, Docker Desktop
    0x786F_4256, // shared folders of VirtualBox
    0x9FA0,      // proc
];

/// # Errors
/// When the file system of `path` does not tell all changes, or cannot be asked.
pub(super) fn refuse_silent_file_system(path: &Path) -> Result<(), WatchError> {
    let status = statfs(path).map_err(|error| WatchError::FileSystem { path: path.to_owned(), error })?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "32 bits, in a type that differs by platform"
    )]
    let kind = status.filesystem_type().0 as u32;
    if SILENT.contains(&kind) { Err(WatchError::Silent(path.to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_that_does_not_tell_is_refused() {
        let refused = refuse_silent_file_system(Path::new("/proc/self"));
        assert!(matches!(refused, Err(WatchError::Silent(_))), "{refused:?}");
        assert!(matches!(refuse_silent_file_system(Path::new("/no/such")), Err(WatchError::FileSystem { .. })));
    }
}
