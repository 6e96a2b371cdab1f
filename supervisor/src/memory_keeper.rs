//! Restarts what holds more memory than its policy's `memory-high` for too long, once it has nothing in hand (R65).
//!
//! All processes are looked at together, so that one reading of the process table tells of all that have no control
//! group.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::control::{ProcessState, StopReason, StopRequest};
use tokio::task::JoinSet;

use crate::process::{Context, ProcessHandle};
use crate::registry::Registry;
use crate::system::boot_time::BootTime;
use crate::system::memory_use;
use crate::system::process_table::Reading;
use crate::system::tree::Tree;

/// As R35 has it for silence: a process is not restarted for its memory again within this time.
const BETWEEN_RESTARTS: Duration = Duration::from_secs(300);
/// How often it is looked within the time that a process may be above its limit.
const LOOKS: u32 = 6;

/// Name and project of a node or program; `None` for the hub.
type Name = Option<(String, PathBuf)>;

/// A running start with a limit.
struct Limited {
    name: Name,
    handle: ProcessHandle,
    instance: String,
    /// Bytes.
    limit: u64,
}

/// What is known of one process.
#[derive(Debug, Default)]
struct Watch {
    instance: String,
    /// How many looks in a row found this start above its limit.
    looks_above: u32,
    /// When the process was last restarted for it.
    restarted: Option<BootTime>,
}

/// Looks until it is dropped; a restart that waits for work to be finished is then given up.
pub(crate) async fn keep(registry: Arc<Registry>) {
    let patience = registry.context.settings.memory_patience;
    let mut watches: HashMap<Name, Watch> = HashMap::new();
    let mut restarts = JoinSet::new();
    loop {
        let limited = limited(&registry);
        // The settings may get a limit meanwhile; without one there is nothing to be in a hurry for (R7).
        tokio::time::sleep(if limited.is_empty() { patience } else { patience / LOOKS }).await;
        while let Some(ended) = restarts.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a restart for memory ended before its time");
            }
        }
        let now = BootTime::now();
        // One that is just being restarted does not run, and is not to be forgotten.
        watches.retain(|name, watch| !watch.may_restart(now) || limited.iter().any(|process| process.name == *name));
        let mut reading = None;
        for Limited { name, handle, instance, limit } in limited {
            let held = match memory_of(&registry.context, &instance, &mut reading).await {
                Ok(held) => held,
                Err(error) => {
                    tracing::warn!(name = handle.words.name, %error, "cannot tell how much memory it holds");
                    continue;
                }
            };
            if watches.entry(name).or_default().is_due(&instance, held > limit, now) {
                tracing::warn!(name = handle.words.name, held, limit, "it holds too much memory, restarting it");
                let patience = registry.context.policy(handle.words.node.as_ref()).drain_timeout;
                restarts.spawn(restart(handle, patience));
            }
        }
    }
}

/// The processes that run and have a limit. One that is already to be restarted has none.
fn limited(registry: &Registry) -> Vec<Limited> {
    let context = &registry.context;
    let nodes = registry.all_nodes().into_iter().map(|node| {
        let limit = context.policy(Some(&node.program)).memory_high;
        (Some((node.program.name, node.program.project)), node.handle, limit)
    });
    let hub = (None, registry.hub.clone(), context.policy(None).memory_high);
    let limited = nodes.chain([hub]).filter_map(|(name, handle, limit)| {
        let limit = limit?;
        let snapshot = handle.snapshot();
        let runs =
            matches!(snapshot.process, ProcessState::Starting { .. } | ProcessState::Running { draining: false, .. });
        let instance = snapshot.instance.filter(|_| runs)?;
        Some(Limited { name, handle, instance, limit })
    });
    limited.collect()
}

/// Bytes that a start holds: what its control group is charged, or where that is not told, what its processes hold.
async fn memory_of(context: &Context, instance: &str, reading: &mut Option<Reading>) -> io::Result<u64> {
    let control_group = context.delegation.as_ref().and_then(|delegation| delegation.open(instance));
    if let Some(bytes) = control_group.as_ref().and_then(memory_use::of_group) {
        return Ok(bytes);
    }
    let reading = match reading {
        Some(reading) => reading,
        None => reading.insert(context.table.read().await?),
    };
    let tree = Tree { instance: instance.to_owned(), leader: None, control_group };
    Ok(tree.members(&reading.entries).iter().filter_map(|member| memory_use::of_process(member.pid)).sum())
}

async fn restart(handle: ProcessHandle, patience: Duration) {
    let asked = StopRequest { reason: StopReason::Memory, by: None };
    if let Err(refusal) = handle.drain(Some(patience), asked).await {
        let error = refusal.0.error;
        tracing::error!(name = handle.words.name, error, "it holds too much memory and is not running again");
    }
}

impl Watch {
    /// Whether this start has been above its limit for long enough, and may be restarted; it then counts as such.
    fn is_due(&mut self, instance: &str, is_above: bool, now: BootTime) -> bool {
        if self.instance != instance {
            instance.clone_into(&mut self.instance);
            self.looks_above = 0;
        }
        self.looks_above = if is_above { self.looks_above.saturating_add(1) } else { 0 };
        let is_due = self.looks_above > LOOKS && self.may_restart(now);
        if is_due {
            self.restarted = Some(now);
        }
        is_due
    }

    fn may_restart(&self, now: BootTime) -> bool {
        self.restarted.is_none_or(|before| now.since(before) >= BETWEEN_RESTARTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of so many looks, all of them above, led to a restart.
    fn due(watch: &mut Watch, instance: &str, looks: u32, now: BootTime) -> Vec<u32> {
        (1..=looks).filter(|_| watch.is_due(instance, true, now)).collect()
    }

    #[test]
    fn a_process_is_restarted_when_it_was_above_for_the_whole_time_and_not_again_soon() {
        let (mut watch, start) = (Watch::default(), BootTime::now());
        assert_eq!(due(&mut watch, "i_1", LOOKS + 1, start), [LOOKS + 1]);
        let soon = start.plus(BETWEEN_RESTARTS.saturating_sub(Duration::from_secs(1)));
        assert_eq!(due(&mut watch, "i_2", 10 * LOOKS, soon), [0; 0]);
        assert!(watch.is_due("i_2", true, start.plus(BETWEEN_RESTARTS)), "it was above all the time");
    }

    #[test]
    fn one_look_below_and_a_new_start_begin_the_time_anew() {
        let (mut watch, now) = (Watch::default(), BootTime::now());
        assert_eq!(due(&mut watch, "i_1", LOOKS, now), [0; 0]);
        assert!(!watch.is_due("i_1", false, now));
        assert_eq!(due(&mut watch, "i_1", LOOKS, now), [0; 0]);
        assert_eq!(due(&mut watch, "i_2", LOOKS + 1, now), [LOOKS + 1]);
    }
}
