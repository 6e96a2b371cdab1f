//! Nothing of a rival may keep the benchmark waiting, or stay behind.

use std::fs;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// No step of any supervisor takes longer, or it is not measured.
const LIMIT: Duration = Duration::from_secs(60);

/// How long what a supervisor has asked to leave may take.
const LEAVING: Duration = Duration::from_secs(5);

/// What a step came to, or why it was not measured.
pub(crate) type Step = Result<(), String>;

/// Runs a command to its end.
pub(crate) fn succeed(command: &mut Command) -> Step {
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", name(command)))?;
    match wait_within(&mut child) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("{} ended with {status}", name(command))),
        None => Err(format!("{} was not done after {} s", name(command), LIMIT.as_secs())),
    }
}

/// Asks a daemon that is our child to leave.
pub(crate) fn leave(daemon: &mut Child, signal: Signal) -> Step {
    pidfd_send_signal(handle(daemon.id())?, signal).map_err(|error| error.to_string())?;
    match wait_within(daemon) {
        Some(_) => Ok(()),
        None => Err(format!("it did not leave within {} s after it was asked to", LIMIT.as_secs())),
    }
}

/// How it ended; one that does not within the limit is killed.
fn wait_within(child: &mut Child) -> Option<ExitStatus> {
    let process = handle(child.id()).expect("a child that is not waited for has a number");
    let timeout = PollTimeout::try_from(LIMIT).expect("a short time");
    let is_over = poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], timeout) == Ok(1);
    if !is_over {
        child.kill().expect("it is our child");
    }
    let status = child.wait().expect("it can be waited for");
    is_over.then_some(status)
}

fn handle(pid: u32) -> Result<OwnedFd, String> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or("no process id")?;
    pidfd_open(pid, PidfdFlags::empty()).map_err(|error| error.to_string())
}

fn name(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    // `env` runs the rivals' programs, with paths that tell nothing.
    let words = words.map(|word| Path::new(word).file_name().unwrap_or(word).to_string_lossy().into_owned());
    let words: Vec<String> = words.filter(|word| word != "env").take(5).collect();
    format!("`{}`", words.join(" "))
}

/// Kills whatever has its home in the directory, which every command of a rival has, and is not gone a little after its
/// supervisor; how many those were.
pub(crate) fn sweep(home: &Path) -> usize {
    until_gone(&below(home), LEAVING);
    let mut killed = 0;
    // What is killed may leave others behind.
    for _ in 0..10 {
        let found = below(home);
        if found.is_empty() {
            break;
        }
        killed += found.iter().filter(|process| pidfd_send_signal(process, Signal::KILL).is_ok()).count();
        until_gone(&found, LEAVING);
    }
    killed
}

/// Whatever has its home in the directory.
fn below(home: &Path) -> Vec<OwnedFd> {
    let variable = [b"HOME=", home.as_os_str().as_bytes()].concat();
    let is_of_it = |pid: u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == variable)
    };
    let entries = fs::read_dir("/proc").expect("/proc is mounted").filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // Held before it is looked at, so that the number is not another's by then.
    let held = pids.filter_map(|pid| Some((pid, handle(pid).ok()?)));
    held.filter(|(pid, _)| is_of_it(*pid)).map(|(_, process)| process).collect()
}

fn until_gone(processes: &[OwnedFd], patience: Duration) {
    let deadline = Instant::now() + patience;
    for process in processes {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).expect("a short time");
        poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], timeout).expect("the descriptor is ours");
    }
}
