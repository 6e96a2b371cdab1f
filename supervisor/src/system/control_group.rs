//! One control group for each start, below one that was delegated to the supervisor (cgroups(7), "Cgroup delegation").

mod delegation;
mod limits;

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

pub(crate) use delegation::Delegation;
pub(crate) use limits::Limits;

/// The control group of one start; everything that descends from its first process is in it, and cannot leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ControlGroup {
    path: PathBuf,
}

impl ControlGroup {
    /// The group at a path that an earlier supervisor recorded; `None` when it is gone.
    pub(crate) fn open(path: PathBuf) -> Option<Self> {
        path.join("cgroup.procs").exists().then_some(Self { path })
    }

    /// The group that was made for the start `instance`, if the process `pid` of it is in one.
    pub(crate) fn of_start(pid: u32, instance: &str) -> Option<Self> {
        delegation::directory_of(&pid.to_string()).filter(|path| path.ends_with(instance)).and_then(Self::open)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whoever writes `0` here enters the group.
    ///
    /// # Errors
    /// When the group may not be entered.
    pub(crate) fn entrance(&self) -> io::Result<OwnedFd> {
        let file = std::fs::OpenOptions::new().write(true).open(self.path.join("cgroup.procs"))?;
        Ok(file.into())
    }

    /// Every living process in it and in the groups that it may have made below.
    ///
    /// # Errors
    /// When it cannot be read; a group that is gone has none.
    pub(crate) fn members(&self) -> io::Result<Vec<u32>> {
        let mut members = Vec::new();
        for directory in self.with_descendants()? {
            match std::fs::read_to_string(directory.join("cgroup.procs")) {
                Ok(text) => members.extend(text.lines().filter_map(|pid| pid.parse::<u32>().ok())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(members)
    }

    /// Kills all of it at once, whatever is being forked at this moment.
    ///
    /// # Errors
    /// When the kernel is older than 5.14, or refuses.
    pub(crate) fn kill(&self) -> io::Result<()> {
        std::fs::write(self.path.join("cgroup.kill"), "1")
    }

    /// Removes it when nobody is in it.
    ///
    /// # Errors
    /// When somebody is.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for directory in self.with_descendants()?.iter().rev() {
            match std::fs::remove_dir(directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the kernel has killed a process of it because the memory was used up.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        let events = std::fs::read_to_string(self.path.join("memory.events")).unwrap_or_default();
        let kills = events.lines().filter_map(|line| line.strip_prefix("oom_kill "));
        kills.filter_map(|count| count.trim().parse::<u64>().ok()).any(|count| count > 0)
    }

    /// The group and those below it, outer ones first.
    fn with_descendants(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = vec![self.path.clone()];
        let mut next = 0;
        while let Some(directory) = found.get(next) {
            match std::fs::read_dir(directory) {
                Ok(entries) => {
                    for entry in entries {
                        let entry = entry?;
                        if entry.file_type()?.is_dir() {
                            found.push(entry.path());
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            next += 1;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_nested_groups_count_and_a_group_that_is_gone_has_none() {
        let directory = tempfile::tempdir().unwrap();
        let group = ControlGroup { path: directory.path().join("i_1") };
        assert_eq!(group.members().unwrap(), [0; 0]);
        assert_eq!(ControlGroup::open(group.path.clone()), None);
        std::fs::create_dir_all(group.path.join("inner")).unwrap();
        std::fs::write(group.path.join("cgroup.procs"), "1\n2\n").unwrap();
        std::fs::write(group.path.join("inner/cgroup.procs"), "3\n").unwrap();
        assert_eq!(group.members().unwrap(), [1, 2, 3]);
        assert_eq!(ControlGroup::open(group.path.clone()), Some(group));
    }

    #[test]
    fn a_kill_for_want_of_memory_is_known_by_the_counter() {
        let directory = tempfile::tempdir().unwrap();
        let group = ControlGroup { path: directory.path().to_owned() };
        assert!(!group.ran_out_of_memory());
        let events = |kills: u32| format!("low 0\nhigh 3\nmax 9\noom 1\noom_kill {kills}\noom_group_kill 0\n");
        std::fs::write(directory.path().join("memory.events"), events(0)).unwrap();
        assert!(!group.ran_out_of_memory());
        std::fs::write(directory.path().join("memory.events"), events(2)).unwrap();
        assert!(group.ran_out_of_memory());
    }
}
