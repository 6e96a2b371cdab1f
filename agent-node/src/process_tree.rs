//! Everything that a task has started on this machine, wherever it has hidden.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anet_protocol::id::InstanceId;
use anet_protocol::rest::Attempt;
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

use crate::node::join;

/// Between two looks at what is still alive.
const LOOK: Duration = Duration::from_millis(10);

/// How long the kernel may take to end a process after SIGKILL. One that hangs in a system call
/// for longer cannot be ended by anybody.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// A set of processes: a session, those that carry the marks in their environment, and the
/// descendants of all these.
#[derive(Clone, Debug)]
pub(crate) struct ProcessTree {
    session: Option<u32>,
    marks: Vec<String>,
}

/// One process, by a handle that no other process can take over.
struct Member {
    pid: u32,
    handle: OwnedFd,
}

/// The fields of `/proc/<pid>/stat` that are needed (proc_pid_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    session: u32,
    started: u64,
    is_dead: bool,
}

impl ProcessTree {
    /// What an attempt has started, known by its environment.
    pub(crate) fn of_attempt(attempt: &Attempt, instance_id: &InstanceId) -> Self {
        let marks = vec![
            format!("ANET_TASK_ID={}", attempt.task_id),
            format!("ANET_TASK_ATTEMPT={}", attempt.attempt),
            format!("ANET_INSTANCE_ID={instance_id}"),
        ];
        Self { session: None, marks }
    }

    /// What all tasks of an instance have started. The node itself carries no task in its environment.
    pub(crate) fn of_instance(instance_id: &InstanceId) -> Self {
        Self { session: None, marks: vec!["ANET_TASK_ID=".to_owned(), format!("ANET_INSTANCE_ID={instance_id}")] }
    }

    /// Adds the session that `leader` leads. The leader must not have been waited for, else its
    /// number could by now be another's.
    pub(crate) fn with_session(self, leader: u32) -> Self {
        Self { session: Some(leader), ..self }
    }

    /// Ends every member: SIGTERM first, SIGKILL after `grace`, until none is left.
    pub(crate) async fn kill(&self, grace: Duration) {
        let begun = Instant::now();
        let mut asked = Vec::new();
        let mut looks_without_any = 0;
        loop {
            let tree = self.clone();
            let found = join(tokio::task::spawn_blocking(move || tree.members()).await);
            let members = match found {
                Ok(members) => members,
                Err(error) => return tracing::error!(%error, "/proc cannot be read; processes may be left"),
            };
            // Twice, because a process is hidden for the moment in which it replaces its program.
            looks_without_any = if members.is_empty() { looks_without_any + 1 } else { 0 };
            if looks_without_any == 2 {
                return;
            }
            let elapsed = begun.elapsed();
            if elapsed > grace + KILL_LIMIT {
                let pids: Vec<u32> = members.iter().map(|member| member.pid).collect();
                return tracing::error!(?pids, "these processes cannot be ended");
            }
            for member in &members {
                if elapsed >= grace {
                    signal(member, Signal::KILL);
                } else if !asked.contains(&member.pid) {
                    asked.push(member.pid);
                    signal(member, Signal::TERM);
                    // A stopped process would not hear it.
                    signal(member, Signal::CONT);
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The living members, without this process.
    fn members(&self) -> io::Result<Vec<Member>> {
        let own = getpid().as_raw_nonzero().get().unsigned_abs();
        let mut processes = HashMap::new();
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            if let Some(stat) = read_stat(pid).filter(|stat| pid != own && !stat.is_dead) {
                processes.insert(pid, stat);
            }
        }
        let mut members: Vec<u32> =
            processes.iter().filter(|(pid, stat)| self.contains(**pid, stat)).map(|(pid, _)| *pid).collect();
        let mut next = 0;
        while next < members.len() {
            let parent = members[next];
            next += 1;
            let children = processes.iter().filter(|(_, stat)| stat.parent == parent).map(|(pid, _)| *pid);
            let children: Vec<u32> = children.filter(|pid| !members.contains(pid)).collect();
            members.extend(children);
        }
        Ok(members.into_iter().filter_map(|pid| hold(pid, processes[&pid].started)).collect())
    }

    fn contains(&self, pid: u32, stat: &Stat) -> bool {
        self.session == Some(stat.session) || (!self.marks.is_empty() && self.is_marked(pid))
    }

    /// Whether every mark begins an entry of the environment; one without a value needs any value.
    fn is_marked(&self, pid: u32) -> bool {
        // Gone, or another user's: not one of ours.
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
        self.marks.iter().all(|mark| {
            environment
                .split(|byte| *byte == 0)
                .any(|entry| entry == mark.as_bytes() || (mark.ends_with('=') && entry.starts_with(mark.as_bytes())))
        })
    }
}

/// A handle on the process `pid` that was started at `started`; `None` when it is gone.
fn hold(pid: u32, started: u64) -> Option<Member> {
    let handle = pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok()?;
    // Looked at again with the handle open: now the number cannot pass to another process unseen.
    (read_stat(pid)?.started == started).then_some(Member { pid, handle })
}

fn signal(member: &Member, signal: Signal) {
    match pidfd_send_signal(&member.handle, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => tracing::warn!(pid = member.pid, ?signal, %error, "the signal cannot be sent"),
    }
}

fn read_stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &[u8]) -> Option<Stat> {
    // The name, in parentheses, may itself contain blanks and parentheses.
    let end_of_name = text.iter().rposition(|byte| *byte == b')')?;
    let text = std::str::from_utf8(&text[end_of_name + 1..]).ok()?;
    // From field 3, the state, on: 4 is the parent, 6 the session, 22 the start.
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    Some(Stat {
        is_dead: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let stat = b"17 (a) b (c) S 5 6 7 0 -1 4194304 100 0 1 0 0 0 0 0 20 0 1 0 160503 3133440 384";
        assert_eq!(parse_stat(stat), Some(Stat { parent: 5, session: 7, started: 160_503, is_dead: false }));
        assert_eq!(parse_stat(b"17 (a"), None);
    }

    #[test]
    fn this_process_is_never_a_member() {
        let own = getpid().as_raw_nonzero().get().unsigned_abs();
        let session = read_stat(own).unwrap().session;
        let tree = ProcessTree { session: Some(session), marks: Vec::new() };
        assert!(tree.members().unwrap().iter().all(|member| member.pid != own));
    }
}
