use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Every living process whose `HOME` is `home`: all that a world has started, however it detached itself.
#[must_use]
pub fn processes_of(home: &Path) -> Vec<(u32, String)> {
    let mark = format!("HOME={}", home.display()).into_bytes();
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let belongs = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark)
    };
    pids.filter(belongs).filter(|pid| process_is_alive(*pid)).map(|pid| (pid, command_line(pid))).collect()
}

fn command_line(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
}

/// Whether a process exists and is more than a zombie.
#[must_use]
pub fn process_is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may itself contain parentheses, so the state stands after the last one.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Sends SIGKILL, as `kill -9` does.
///
/// # Panics
/// When there is no such process.
pub fn kill_process(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a pid fits"));
    kill(pid, Signal::SIGKILL).unwrap_or_else(|error| panic!("cannot kill {pid}: {error}"));
}
