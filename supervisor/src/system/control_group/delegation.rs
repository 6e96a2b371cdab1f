//! Finding the control group that was delegated to this process, and making room in it.

use std::io;
use std::path::{Path, PathBuf};

use super::{ControlGroup, Limits};

/// The leaf in which the supervisor itself is, because only leaves may hold processes. systemd makes the same with
/// `DelegateSubgroup=supervisor`.
const OWN_LEAF: &str = "supervisor";
/// systemd sets these to `1` on what it delegates (systemd.resource-control(5)); a group without them is somebody
/// else's to manage, even if this user could write to it.
const DELEGATED: [&str; 2] = ["user.delegate", "trusted.delegate"];
/// What the limits need.
const CONTROLLERS: [&str; 2] = ["memory", "pids"];

/// A control group below which the supervisor makes one for each start.
#[derive(Debug)]
pub(crate) struct Delegation {
    root: PathBuf,
}

impl Delegation {
    /// Takes the delegated group that this process is in; `None` where there is none.
    pub(crate) fn claim() -> Option<Self> {
        let own = directory_of("self")?;
        let root = [Some(own.as_path()), own.parent().filter(|_| own.ends_with(OWN_LEAF))]
            .into_iter()
            .flatten()
            .find(|directory| is_delegated(directory))?
            .to_owned();
        let delegation = Self { root };
        match delegation.settle() {
            Ok(()) => Some(delegation),
            Err(error) => {
                tracing::warn!(group = %delegation.root.display(), %error, "the delegated control group cannot be used");
                None
            }
        }
    }

    /// Moves this process into a leaf of its own, and switches on what the limits need.
    fn settle(&self) -> io::Result<()> {
        let leaf = self.root.join(OWN_LEAF);
        match std::fs::create_dir(&leaf) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        std::fs::write(leaf.join("cgroup.procs"), std::process::id().to_string())?;
        let available = std::fs::read_to_string(self.root.join("cgroup.controllers"))?;
        for controller in CONTROLLERS.into_iter().filter(|name| available.split_whitespace().any(|word| word == *name))
        {
            // Refused while other processes are in the group itself; containment works without.
            if let Err(error) = std::fs::write(self.root.join("cgroup.subtree_control"), format!("+{controller}")) {
                tracing::warn!(controller, %error, "limits of this kind cannot be set");
            }
        }
        Ok(())
    }

    /// Makes the group of a start.
    ///
    /// # Errors
    /// When it cannot be made. A limit whose controller is not there is only warned of.
    pub(crate) fn create(&self, instance: &str, limits: &Limits) -> io::Result<ControlGroup> {
        let group = ControlGroup { path: self.root.join(instance) };
        std::fs::create_dir(&group.path)?;
        if let Err(error) = limits.apply(&group.path) {
            tracing::warn!(instance, %error, "a start is not limited");
        }
        Ok(group)
    }

    /// The group of a start that is there.
    pub(crate) fn open(&self, instance: &str) -> Option<ControlGroup> {
        ControlGroup::open(self.root.join(instance))
    }
}

/// Where the group of a process is mounted; `process` is its id, or `self`.
pub(super) fn directory_of(process: &str) -> Option<PathBuf> {
    own_directory(&read(&format!("/proc/{process}/cgroup"))?, &read("/proc/self/mountinfo")?)
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// Where the group of this process is mounted: `0::/path` of cgroups(7) below the mount of type `cgroup2`.
fn own_directory(groups: &str, mounts: &str) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    // In a container the machine's own mount may be there too, with a root that this process is not below.
    mounts.lines().find_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, mount_point) = file_system.starts_with("cgroup2 ").then_some((fields.next()?, fields.next()?))?;
        let below = Path::new(path).strip_prefix(root).ok()?;
        Some(Path::new(mount_point).join(below))
    })
}

fn is_delegated(directory: &Path) -> bool {
    DELEGATED.into_iter().any(|name| {
        let mut value = [0_u8; 8];
        rustix::fs::getxattr(directory, name, &mut value).is_ok_and(|length| value.get(..length) == Some(b"1"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_below_its_mount() {
        let mounts = "24 1 0:22 / /sys rw,relatime - sysfs sysfs rw\n\
            31 24 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
        let groups = "9:name=systemd:/x\n0::/user.slice/anet.service\n";
        let expected = PathBuf::from("/sys/fs/cgroup/user.slice/anet.service");
        assert_eq!(own_directory(groups, mounts), Some(expected));
        assert_eq!(own_directory("0::/\n", "31 24 0:27 /elsewhere /c rw - cgroup2 c rw\n"), None);
        assert_eq!(own_directory("1:cpu:/\n", mounts), None);
        let outer = "30 24 0:26 /../.. /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n".to_owned();
        let expected = PathBuf::from("/sys/fs/cgroup/user.slice/anet.service");
        assert_eq!(own_directory(groups, &(outer + mounts)), Some(expected), "the machine's mount is passed over");
    }

    #[test]
    fn a_directory_without_the_mark_of_delegation_is_not_ours() {
        assert!(!is_delegated(tempfile::tempdir().unwrap().path()));
    }
}
