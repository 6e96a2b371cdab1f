//! Every process of one start, and its end.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, timeout_at};

use crate::system::control_group::ControlGroup;
use crate::system::pid_file_descriptor::PidFileDescriptor;
use crate::system::process_entry::{ProcessEntry, real_uid};
use crate::system::process_table::ProcessTable;
use crate::system::resource_mark::ResourceMark;

/// The processes of one start: those of its control group, those that carry its id in their environment or its
/// mark in their limits, wherever they went, those of its session, and the descendants of all of them.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// The `ANET_INSTANCE_ID` of the start.
    pub(crate) instance: String,
    /// Process id and start time of its first process, if this supervisor saw it alive. Otherwise
    /// the number may be a stranger's by now and the session says nothing.
    pub(crate) leader: Option<(u32, u64)>,
    /// Its control group, where it has one.
    pub(crate) control_group: Option<ControlGroup>,
}

/// Why a tree could not be proven dead.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KillError {
    /// These live on.
    #[error("still alive after SIGKILL: {}", .0.join(", "))]
    Survivors(Vec<String>),
    /// The process table could not be read.
    #[error("cannot read the process table: {0}")]
    Unreadable(#[from] io::Error),
}

impl Tree {
    /// The living members in a reading of the process table. The supervisor itself never is one; a process that has
    /// become another user is one for root alone, because nobody else could end it.
    pub(crate) fn members<'table>(&self, table: &'table [ProcessEntry]) -> Vec<&'table ProcessEntry> {
        let (me, my_uid) = (std::process::id(), nix::unistd::getuid().as_raw());
        let mut members = self.members_by_descent(table, me, &self.members_of_control_group());
        members.retain(|entry| real_uid(entry.pid).is_some_and(|uid| uid == my_uid || my_uid == 0));
        members
    }

    fn members_of_control_group(&self) -> Vec<u32> {
        let Some(group) = &self.control_group else { return Vec::new() };
        group.members().unwrap_or_else(|error| {
            // The other ways of finding them are left.
            tracing::warn!(group = %group.path().display(), %error, "cannot read a control group");
            Vec::new()
        })
    }

    fn members_by_descent<'table>(
        &self,
        table: &'table [ProcessEntry],
        me: u32,
        in_control_group: &[u32],
    ) -> Vec<&'table ProcessEntry> {
        let mark = ResourceMark::of(&self.instance);
        // The id comes first: a supervisor that a node started marks its own children so, and not all kernels let
        // it change the limit.
        let is_marked = |entry: &ProcessEntry| match &entry.instance {
            Some(instance) => *instance == self.instance,
            None => entry.mark.is_some() && entry.mark == mark,
        };
        let candidates = || table.iter().filter(|entry| entry.pid != me && !entry.is_dead);
        let is_of_session = |entry: &ProcessEntry| {
            self.leader.is_some_and(|(pid, start_time)| {
                // A stranger that got the number of a dead leader leads a session of its own.
                let holder = table.iter().find(|holder| holder.pid == pid);
                entry.session == pid && holder.is_none_or(|holder| holder.start_time == start_time)
            })
        };
        let mut found: HashSet<u32> = candidates()
            .filter(|entry| is_marked(entry) || is_of_session(entry) || in_control_group.contains(&entry.pid))
            .map(|entry| entry.pid)
            .collect();
        loop {
            let descendants: Vec<u32> = candidates()
                .filter(|entry| !found.contains(&entry.pid))
                .filter(|entry| found.contains(&entry.parent) || found.contains(&entry.session))
                .map(|entry| entry.pid)
                .collect();
            if descendants.is_empty() {
                return candidates().filter(|entry| found.contains(&entry.pid)).collect();
            }
            found.extend(descendants);
        }
    }

    /// Kills every member until none is left.
    ///
    /// # Errors
    /// [`KillError::Survivors`] names those that are alive when `patience` runs out.
    pub(crate) async fn kill(&self, table: &ProcessTable, patience: Duration) -> Result<(), KillError> {
        let deadline = Instant::now() + patience;
        loop {
            let reading = table.read().await?;
            let members = self.members(&reading.entries);
            if members.is_empty() {
                // A reading may miss a process that is born behind it while its parent dies before it.
                let born = table.read_born_since(&reading).await?;
                if self.members(&born.entries).is_empty() {
                    self.remove_control_group();
                    return Ok(());
                }
                continue;
            }
            if let Some(group) = &self.control_group
                && let Err(error) = group.kill()
            {
                // Each member is killed below as well.
                tracing::debug!(group = %group.path().display(), %error, "cannot kill a control group at once");
            }
            let mut dying = Vec::new();
            for member in &members {
                if let Some(process) = PidFileDescriptor::open(member.pid, member.start_time)? {
                    tracing::info!(instance = self.instance, process = member.describe(), "killing a leftover");
                    // Refused only by a process that changed its user; it is then no member in the next reading.
                    match process.signal(Signal::KILL) {
                        Ok(()) => dying.push(process),
                        Err(error) => tracing::warn!(process = member.describe(), %error, "cannot kill"),
                    }
                }
            }
            for process in dying {
                if let Ok(exited) = timeout_at(deadline, process.exited()).await {
                    exited?;
                }
            }
            if Instant::now() >= deadline {
                return Err(KillError::Survivors(members.iter().map(|member| member.describe()).collect()));
            }
        }
    }
}

impl Tree {
    fn remove_control_group(&self) {
        if let Some(group) = &self.control_group
            && let Err(error) = group.remove()
        {
            // An empty group costs nothing; it goes with the one above it.
            tracing::warn!(group = %group.path().display(), %error, "cannot remove a control group");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pid: u32, parent: u32, session: u32, instance: Option<&str>) -> ProcessEntry {
        let start_time = u64::from(pid) * 10;
        let instance = instance.map(str::to_owned);
        ProcessEntry {
            pid,
            parent,
            session,
            start_time,
            is_dead: false,
            name: "p".to_owned(),
            instance,
            mark: None,
            environment: None,
        }
    }

    fn found(tree: &Tree, table: &[ProcessEntry], me: u32) -> Vec<u32> {
        tree.members_by_descent(table, me, &[]).iter().map(|entry| entry.pid).collect()
    }

    #[test]
    fn session_marker_and_descent_all_count_and_strangers_do_not() {
        let tree = Tree { instance: "i_1".to_owned(), leader: Some((10, 100)), control_group: None };
        let table = [
            entry(10, 1, 10, Some("i_1")),
            entry(11, 10, 10, None),
            entry(12, 1, 12, Some("i_1")),
            entry(13, 12, 13, None),
            entry(14, 1, 12, None),
            entry(20, 1, 20, Some("i_2")),
            entry(21, 20, 20, None),
            entry(22, 1, 22, None),
        ];
        assert_eq!(found(&tree, &table, 1), [10, 11, 12, 13, 14]);
    }

    #[test]
    fn the_session_of_a_stranger_with_the_dead_leaders_number_is_spared() {
        let tree = Tree { instance: "i_1".to_owned(), leader: Some((10, 99)), control_group: None };
        assert!(found(&tree, &[entry(10, 1, 10, None), entry(11, 10, 10, None)], 1).is_empty());
    }

    #[test]
    fn without_a_leader_seen_alive_only_the_marker_counts() {
        let tree = Tree { instance: "i_1".to_owned(), leader: None, control_group: None };
        assert_eq!(found(&tree, &[entry(11, 1, 10, None), entry(12, 1, 10, Some("i_1"))], 1), [12]);
    }

    #[test]
    fn the_mark_in_the_limits_counts_where_no_id_tells_otherwise_and_so_does_the_control_group() {
        let instance = "i_0000000000000001";
        let tree = Tree { instance: instance.to_owned(), leader: None, control_group: None };
        let marked = |entry: ProcessEntry| ProcessEntry { mark: ResourceMark::of(instance), ..entry };
        let table = [
            marked(entry(10, 1, 10, None)),
            entry(11, 10, 11, None),
            marked(entry(12, 1, 12, Some("i_0000000000000002"))),
            entry(13, 1, 13, None),
        ];
        assert_eq!(found(&tree, &table, 1), [10, 11]);
        let found: Vec<u32> = tree.members_by_descent(&table, 1, &[13]).iter().map(|entry| entry.pid).collect();
        assert_eq!(found, [10, 11, 13]);
    }

    #[test]
    fn a_supervisor_that_was_started_from_inside_a_node_is_no_member_nor_are_its_children() {
        let tree = Tree { instance: "i_1".to_owned(), leader: Some((10, 100)), control_group: None };
        let table = [entry(10, 1, 10, None), entry(11, 10, 10, Some("i_1")), entry(12, 11, 12, Some("i_2"))];
        assert_eq!(found(&tree, &table, 11), [10]);
    }
}
