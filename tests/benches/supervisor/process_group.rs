//! What the processes of a supervisor itself cost, its children not counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use nix::unistd::{SysconfVar, sysconf};

/// A supervisor's own processes.
pub(crate) struct ProcessGroup {
    pids: BTreeSet<u32>,
}

impl ProcessGroup {
    /// One process without those that descend from it.
    pub(crate) fn only(pid: u32) -> Self {
        Self { pids: BTreeSet::from([pid]) }
    }

    /// `roots` and what descends from them, without `children` and what descends from these.
    pub(crate) fn below(roots: &[u32], children: &BTreeSet<u32>) -> Self {
        let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
            .expect("/proc is mounted")
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|pid| Some((pid, parent(pid)?)))
            .collect();
        let mut pids: BTreeSet<u32> = roots.iter().copied().collect();
        loop {
            let is_new =
                |(pid, parent): &&(u32, u32)| pids.contains(parent) && !pids.contains(pid) && !children.contains(pid);
            let more: Vec<u32> = parents.iter().filter(is_new).map(|(pid, _)| *pid).collect();
            if more.is_empty() {
                return Self { pids };
            }
            pids.extend(more);
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.pids.len()
    }

    /// Resident and proportional set size in megabytes, summed up.
    pub(crate) fn memory(&self) -> (f64, f64) {
        let sum = |key: &str| self.pids.iter().filter_map(|pid| rollup(*pid, key)).sum::<f64>() / 1024.0;
        (sum("Rss:"), sum("Pss:"))
    }

    /// Milliseconds of processor time and voluntary switches so far, by thread.
    pub(crate) fn activity(&self) -> Activity {
        let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten().expect("Linux has ticks");
        #[expect(clippy::cast_precision_loss, reason = "a hundred")]
        let milliseconds = 1000.0 / ticks as f64;
        let of = |thread: String| {
            // schedstat counts nanoseconds; where a kernel lacks it, stat counts ticks.
            let time = schedule_nanoseconds(&thread)
                .map_or_else(|| processor_ticks(&thread) * milliseconds, |nanoseconds| nanoseconds / 1e6);
            let switches = voluntary_switches(&thread);
            (thread, (time, switches))
        };
        Activity(self.threads().into_iter().map(of).collect())
    }

    fn threads(&self) -> Vec<String> {
        let tasks = |pid: &u32| {
            let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
            tasks.filter_map(|task| Some(task.ok()?.path().display().to_string())).collect::<Vec<_>>()
        };
        self.pids.iter().flat_map(tasks).collect()
    }
}

/// What each thread has done so far.
pub(crate) struct Activity(BTreeMap<String, (f64, f64)>);

impl Activity {
    /// What the threads of now did since `before`; one that is gone did nothing that could be seen.
    pub(crate) fn since(&self, before: &Self) -> (f64, f64) {
        self.0.iter().fold((0.0, 0.0), |sum, (thread, now)| {
            let then = before.0.get(thread).copied().unwrap_or_default();
            (sum.0 + now.0 - then.0, sum.1 + now.1 - then.1)
        })
    }
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Kilobytes.
fn rollup(pid: u32, key: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn schedule_nanoseconds(thread: &str) -> Option<f64> {
    fs::read_to_string(format!("{thread}/schedstat")).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

fn processor_ticks(thread: &str) -> f64 {
    let stat = fs::read_to_string(format!("{thread}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split_ascii_whitespace().collect();
    [11, 12].iter().filter_map(|field| fields.get(*field)?.parse::<f64>().ok()).sum()
}

fn voluntary_switches(thread: &str) -> f64 {
    let status = fs::read_to_string(format!("{thread}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or_default()
}
