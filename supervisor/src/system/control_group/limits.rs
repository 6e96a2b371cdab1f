//! What a control group may use (R65).

use std::io;
use std::path::Path;

use crate::policy::Policy;

/// Limits of one start, as the policy has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    memory_high: Option<u64>,
    memory_max: Option<u64>,
    pids_max: Option<u64>,
}

impl Limits {
    pub(crate) fn of(policy: &Policy) -> Self {
        Self { memory_high: policy.memory_high, memory_max: policy.memory_max, pids_max: policy.pids_max }
    }

    /// Writes them into the group's files; when memory runs out, all of the group is killed and not a part of it.
    ///
    /// # Errors
    /// When a limit is set whose controller is not there.
    pub(super) fn apply(&self, group: &Path) -> io::Result<()> {
        let one_kill = group.join("memory.oom.group");
        if one_kill.exists() {
            std::fs::write(&one_kill, "1")?;
        }
        let files = [("memory.high", self.memory_high), ("memory.max", self.memory_max), ("pids.max", self.pids_max)];
        for (file, limit) in files {
            if let Some(limit) = limit {
                let failed = |error: io::Error| io::Error::new(error.kind(), format!("cannot limit {file}: {error}"));
                // Not `write`, which would make the file where a plain directory is given.
                let mut file = std::fs::OpenOptions::new().write(true).open(group.join(file)).map_err(failed)?;
                io::Write::write_all(&mut file, limit.to_string().as_bytes()).map_err(failed)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_and_one_without_a_controller_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let limits = Limits { memory_max: Some(1 << 20), ..Limits::default() };
        let error = limits.apply(directory.path()).unwrap_err();
        assert!(error.to_string().contains("memory.max"), "{error}");
        for file in ["memory.max", "memory.oom.group", "pids.max"] {
            std::fs::write(directory.path().join(file), "").unwrap();
        }
        limits.apply(directory.path()).unwrap();
        let written = |file: &str| std::fs::read_to_string(directory.path().join(file)).unwrap();
        assert_eq!((written("memory.max").as_str(), written("memory.oom.group").as_str()), ("1048576", "1"));
        assert_eq!(written("pids.max"), "");
    }
}
