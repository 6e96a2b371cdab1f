//! What runs and no record tells of, because the state files were lost: it is found by the marks of its start, and
//! whose it is by the files that it writes to, so that it is taken over instead of being started a second time (R24, R29).

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anet_protocol::control::{Desired, HubVariables};
use anet_protocol::node_config::validate_node_name;
use anet_protocol::time::Timestamp;
use anet_protocol::variables;

use crate::capture::incarnation_of;
use crate::launch::{NodeProgram, hub};
use crate::paths::Paths;
use crate::port_owner::standard_input_listens_on;
use crate::records::living;
use crate::state_file::{History, HubRecord, HubSettings, Leader, NodeRecord, ProcessRecord, State};
use crate::system::boot_time::BootTime;
use crate::system::control_group::ControlGroup;
use crate::system::process_entry::{
    KnownMarks, ProcessEntry, arguments_of, environment_of, home_of, output_of, read_all, real_uid,
};

/// A start that no record tells of.
struct Found<'table> {
    instance: &'table str,
    /// Where its output goes: `<directory of the node or hub>/logs`.
    logs: PathBuf,
    incarnation: u64,
    /// The oldest process that leads a session; a descendant may have outlived it.
    leader: &'table ProcessEntry,
}

/// Adds what runs for this home and is not on record; it is wanted, since it runs. What cannot be told whose it is stays
/// alone, for the doctor to name.
///
/// # Errors
/// When the process table cannot be read.
pub(crate) fn add_unrecorded(state: &mut State, paths: &Paths, boot_id: &str, now: Timestamp) -> io::Result<()> {
    let entries = read_all(&mut KnownMarks::default(), &[])?;
    for found in find(&entries, state, paths) {
        let name = found.add_to(state, paths, boot_id, now);
        let (pid, instance) = (found.leader.pid, found.instance);
        if let Some(name) = name {
            tracing::warn!(name, pid, instance, "it runs and was not on record");
        } else {
            tracing::error!(pid, instance, "it runs, is not on record, and cannot be taken over");
        }
    }
    Ok(())
}

/// The starts of this home that are not on record, oldest first.
fn find<'table>(entries: &'table [ProcessEntry], state: &State, paths: &Paths) -> Vec<Found<'table>> {
    let records = state.nodes.iter().filter_map(|node| node.process.as_ref());
    let records = records.chain(state.hub.iter().filter_map(|hub| hub.process.as_ref()));
    let known: HashSet<&str> = records.map(|record| record.instance.as_str()).collect();
    let (me, my_uid) = (std::process::id(), nix::unistd::getuid().as_raw());
    let home = real(&paths.home);
    let mut starts: BTreeMap<&str, Vec<&ProcessEntry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !entry.is_dead && entry.pid != me) {
        let Some(instance) = entry.instance.as_deref().filter(|instance| !known.contains(instance)) else { continue };
        let is_ours =
            real_uid(entry.pid) == Some(my_uid) && home_of(entry.pid).is_some_and(|other| real(&other) == home);
        if is_ours {
            starts.entry(instance).or_default().push(entry);
        }
    }
    let mut found: Vec<_> = starts.into_iter().filter_map(|(instance, members)| of_start(instance, members)).collect();
    found.sort_by_key(|found| found.leader.start_time);
    found
}

fn of_start<'table>(instance: &'table str, mut members: Vec<&'table ProcessEntry>) -> Option<Found<'table>> {
    members.sort_by_key(|entry| (entry.pid != entry.session, entry.start_time, entry.pid));
    let outputs = members.iter().flat_map(|entry| [1, 2].map(|number| output_of(entry.pid, number)));
    let Some((logs, incarnation)) = outputs.flatten().find_map(|path| incarnation_of(&path)) else {
        tracing::error!(instance, processes = members.len(), "they run, and nothing tells which node they are");
        return None;
    };
    members.first().map(|leader| Found { instance, logs, incarnation, leader })
}

impl Found<'_> {
    /// Puts it on record; its name, if that can be told and no other start of it lives.
    fn add_to(&self, state: &mut State, paths: &Paths, boot_id: &str, now: Timestamp) -> Option<String> {
        let is_free = |record: Option<&ProcessRecord>| record.is_none_or(|record| living(record, boot_id).is_none());
        if self.logs == real(&hub::log_directory(paths)) {
            let settings = state.hub.as_ref().map(|hub| hub.settings.clone()).or_else(|| self.hub_settings())?;
            let before = state.hub.take();
            let is_taken = !is_free(before.as_ref().and_then(|hub| hub.process.as_ref()));
            if is_taken {
                state.hub = before;
                return None;
            }
            let is_leader = arguments_of(self.leader.pid).iter().any(|argument| argument == "--listen-on-stdin");
            let process = Some(self.record(boot_id, now, is_leader));
            state.hub = Some(HubRecord { settings, desired: Desired::Running, process, history: self.history() });
            return Some("hub".to_owned());
        }
        let program = self.node()?;
        let is_program = program.is_program();
        let is_leader = is_program || ends_with_directory(&arguments_of(self.leader.pid), &program.directory());
        let mut process = self.record(boot_id, now, is_leader);
        process.tells_link = !is_program;
        process.ready_at = (!program.tells_ready()).then_some(process.started_at);
        let NodeProgram { name, project } = program;
        if let Some(record) = state.node_mut(&name, &project) {
            if !is_free(record.process.as_ref()) {
                return None;
            }
            (record.process, record.desired) = (Some(process), Desired::Running);
        } else {
            let history = self.history();
            let (desired, process) = (Desired::Running, Some(process));
            state.nodes.push(NodeRecord { name: name.clone(), project, desired, process, history }.into());
        }
        Some(name)
    }

    /// The node or program, by its directory `<project>/.anet/nodes/<name>` or `<project>/.anet/programs/<name>`.
    fn node(&self) -> Option<NodeProgram> {
        let directory = self.logs.parent()?;
        let kind = directory.parent()?;
        let project = kind.parent().filter(|anet| anet.ends_with(".anet"))?.parent()?;
        let name = directory.file_name()?.to_str().filter(|name| validate_node_name(name).is_ok())?;
        let program = NodeProgram { name: name.to_owned(), project: project.to_owned() };
        (program.directory() == directory).then_some(program)
    }

    /// `is_leader` says whether the leader is what was started, and not a descendant of it that is left: that one is swept.
    fn record(&self, boot_id: &str, now: Timestamp, is_leader: bool) -> ProcessRecord {
        let Leader { pid, start_time } = Leader { pid: self.leader.pid, start_time: self.leader.start_time };
        let nobody = Leader { pid: 0, start_time: 0 };
        ProcessRecord {
            instance: self.instance.to_owned(),
            boot_id: boot_id.to_owned(),
            started_at: started_at(start_time, now),
            leader: Some(if is_leader { Leader { pid, start_time } } else { nobody }),
            ready_at: None,
            version: None,
            fingerprint: None,
            tells_link: false,
            control_group: ControlGroup::of_start(pid, self.instance).map(|group| group.path().to_owned()),
        }
    }

    fn history(&self) -> History {
        History { starts: self.incarnation, exits: Vec::new() }
    }

    /// What the hub was started with, as far as it can be seen.
    fn hub_settings(&self) -> Option<HubSettings> {
        let arguments = arguments_of(self.leader.pid);
        let database = arguments.iter().skip_while(|argument| *argument != "--database").nth(1)?.into();
        let listen: SocketAddr = standard_input_listens_on(self.leader.pid)?;
        let is_setting = |name: &str| variables::find(name).is_some_and(|variable| variable.is_hub_setting);
        let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        let environment = environment_of(self.leader.pid).into_iter().filter_map(text);
        let variables = HubVariables(environment.filter(|(name, _)| is_setting(name)).collect());
        Some(HubSettings { listen, database, variables, had_database: false })
    }
}

/// Whether a command line is that of a node in this directory, whichever program file it was started from.
fn ends_with_directory(arguments: &[OsString], directory: &Path) -> bool {
    matches!(arguments, [.., option, value] if option == "--directory" && real(Path::new(value)) == real(directory))
}

fn started_at(start_time: u64, now: Timestamp) -> Timestamp {
    let ticks = u64::try_from(nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100));
    let millis = start_time.saturating_mul(1000) / ticks.unwrap_or(100).max(1);
    let age = BootTime::now().since(BootTime::after_boot(Duration::from_millis(millis)));
    now.plus_seconds(-i64::try_from(age.as_secs()).unwrap_or_default())
}

/// One spelling, where the path is there.
fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_node_is_told_by_the_directory_that_its_command_line_ends_with() {
        let directory = Path::new("/p/.anet/nodes/a");
        let is_node = |words: &[&str]| ends_with_directory(&arguments(words), directory);
        assert!(is_node(&["/old/anet", "node", "run", "--directory", "/p/.anet/nodes/a"]));
        assert!(!is_node(&["anet", "node", "run", "--directory", "/p/.anet/nodes/ab"]));
        assert!(!is_node(&["helper", "/p/.anet/nodes/a"]));
        assert!(!is_node(&[]));
    }

    #[test]
    fn the_time_of_a_start_is_counted_back_from_now() {
        let now = Timestamp::from_millis(1_000_000_000_000);
        assert!(started_at(u64::MAX, now) == now);
        assert!(started_at(0, now) < now);
    }
}
