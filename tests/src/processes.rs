use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::unistd::Pid;

/// Every living process whose `HOME` is `home`: all that a world has started, however it detached itself. The environment
/// of a supervisor is closed to all but root; it is found at its socket.
#[must_use]
pub fn processes_of(home: &Path) -> Vec<(u32, String)> {
    let mark = format!("HOME={}", home.display()).into_bytes();
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let supervisor = closed_supervisor(home);
    let belongs = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark) || supervisor == Some(*pid)
    };
    pids.filter(belongs).filter(|pid| process_is_alive(*pid)).map(|pid| (pid, command_line(pid))).collect()
}

/// The supervisor of a home, where its environment cannot be read.
fn closed_supervisor(home: &Path) -> Option<u32> {
    let stream = UnixStream::connect(home.join(".anet/run/supervisor.sock")).ok()?;
    let pid = getsockopt(&stream, PeerCredentials).ok()?.pid();
    let closed = fs::read(format!("/proc/{pid}/environ")).is_err();
    u32::try_from(pid).ok().filter(|_| closed)
}

/// The environment of a process. Where only root may read it, as that of a supervisor, `None`, and the test says so.
#[must_use]
pub fn environment_of(pid: u32) -> Option<String> {
    match fs::read(format!("/proc/{pid}/environ")) {
        Ok(environment) => Some(String::from_utf8_lossy(&environment).into_owned()),
        Err(error) => {
            not_tried(&format!("to look into the environment of process {pid} ({error})"));
            None
        }
    }
}

/// Says what a test leaves out because it needs root.
#[expect(clippy::print_stderr, reason = "a test that leaves something out says so")]
pub fn not_tried(what: &str) {
    eprintln!("not tried, because only root can: {what}");
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
