//! When many fail together, by whatever they share, they come back one after the other (R14).

use futures_util::future::join_all;
use nix::time::{ClockId, clock_gettime};

use crate::harness::{Home, kill, starts};

const NODES: usize = 40;
/// With the hub there are 41 processes; no more than 30 % of them, so 12, fail before it is a storm.
const BEFORE_THE_STORM: usize = 12;
/// Ticks of the kernel's clock, a hundred in a second, between two starts.
const SPACING: u64 = 10;

fn now() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).unwrap();
    u64::try_from(now.tv_sec() * 100 + now.tv_nsec() / 10_000_000).unwrap()
}

/// When a process was started, in ticks since boot (proc_pid_stat(5), field 22).
fn started_at(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(22 - 3).unwrap().parse().unwrap()
}

#[tokio::test]
async fn of_many_that_are_killed_together_no_more_than_ten_are_started_in_a_second() {
    let home = Home::new();
    let names: Vec<String> = (0..NODES).map(|number| format!("n{number}")).collect();
    for name in &names {
        home.node(name, &["count", "ready", "sleep"]);
    }
    let supervisor = home.supervise().await;
    let client = &supervisor.client;
    let pids = join_all(names.iter().map(|name| client.must_start(&home, name))).await;
    let begin = now();
    for pid in &pids {
        kill(*pid);
    }
    let replaced = join_all(names.iter().zip(&pids).map(|(name, pid)| client.until_replaced(name, *pid))).await;
    let mut times: Vec<u64> = replaced.into_iter().map(started_at).collect();
    times.sort_unstable();
    for (index, time) in times.iter().skip(BEFORE_THE_STORM).enumerate() {
        let earliest = begin + SPACING * u64::try_from(index).unwrap();
        // One tick, because the kernel cuts both moments.
        assert!(time + 1 >= earliest, "start {index} of the storm came at {time}, not after {earliest}: {times:?}");
    }
    for name in &names {
        assert_eq!((starts(&home.node_directory(name)), home.copies(name)), (2, 1), "{name}");
    }
    supervisor.shut_down().await;
}
