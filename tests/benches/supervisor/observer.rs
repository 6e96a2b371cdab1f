//! Sees children start and end. A start is what the child says of itself, with the time it took first; an end is what
//! the kernel says of its pidfd. No supervisor is asked.

use std::collections::BTreeMap;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::time::TimeValLike as _;
use nix::time::{ClockId, clock_gettime};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

/// Nothing that is waited for takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A moment, in milliseconds of the kernel's monotonic clock, which all processes share.
pub(crate) fn now() -> f64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the kernel has a clock");
    milliseconds(now.num_nanoseconds())
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds since boot fit into 53 bits for a hundred days")]
fn milliseconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e6
}

/// All children of one system.
pub(crate) struct Observer {
    socket: UnixDatagram,
    path: PathBuf,
    /// By process id.
    pub(crate) alive: BTreeMap<u32, OwnedFd>,
    /// When each start happened, in the order in which they were heard.
    pub(crate) starts: Vec<f64>,
    /// When each end was seen.
    pub(crate) ends: Vec<f64>,
}

impl Observer {
    pub(crate) fn new(directory: &Path) -> Self {
        let path = directory.join("observer.sock");
        let socket = UnixDatagram::bind(&path).expect("the socket can be bound");
        socket.set_nonblocking(true).expect("a socket can be non-blocking");
        Self { socket, path, alive: BTreeMap::new(), starts: Vec::new(), ends: Vec::new() }
    }

    /// The command line of a child that is seen here.
    pub(crate) fn child(&self) -> Vec<String> {
        let bench = std::env::current_exe().expect("a benchmark knows its own file");
        let profile = bench.ancestors().nth(2).expect("it lies in target/<profile>/deps");
        let sleeper = profile.join("examples/sleeper");
        assert!(sleeper.exists(), "{} is missing: cargo build --workspace --release --examples", sleeper.display());
        vec![sleeper.display().to_string(), self.path.display().to_string()]
    }

    /// Forgets what was counted so far; who is alive stays known.
    pub(crate) fn forget_counts(&mut self) {
        self.look(Duration::ZERO);
        self.starts.clear();
        self.ends.clear();
    }

    /// Looks until the condition holds; false when it never did.
    pub(crate) fn wait(&mut self, condition: impl Fn(&Self) -> bool) -> bool {
        self.wait_for(PATIENCE, condition)
    }

    /// Waits for all children to end, but not for long.
    pub(crate) fn settle(&mut self, patience: Duration) {
        self.wait_for(patience, |observer| observer.alive.is_empty());
    }

    fn wait_for(&mut self, patience: Duration, condition: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        while !condition(self) {
            if Instant::now() > deadline {
                return false;
            }
            self.look(Duration::from_millis(500));
        }
        true
    }

    /// Takes in what happened, waiting for something to happen if nothing did.
    fn look(&mut self, patience: Duration) {
        let mut polled = vec![PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        polled.extend(self.alive.values().map(|process| PollFd::new(process.as_fd(), PollFlags::POLLIN)));
        let timeout = PollTimeout::try_from(patience).expect("a short time");
        poll(&mut polled, timeout).expect("the descriptors are ours");
        let seen = now();
        let has_event = |polled: &PollFd| polled.any().unwrap_or_default();
        let ended: Vec<u32> =
            self.alive.keys().zip(&polled[1..]).filter(|(_, polled)| has_event(polled)).map(|(pid, _)| *pid).collect();
        drop(polled);
        for pid in ended {
            self.alive.remove(&pid);
            self.ends.push(seen);
        }
        let mut buffer = [0_u8; 64];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let text = std::str::from_utf8(&buffer[..length]).expect("a child writes ASCII");
            let (pid, started) = text.split_once(' ').expect("two numbers");
            self.starts.push(milliseconds(started.parse().expect("a time")));
            let pid: u32 = pid.parse().expect("a pid");
            let raw = Pid::from_raw(i32::try_from(pid).expect("a pid fits")).expect("not zero");
            // One that is gone already has ended, too.
            match pidfd_open(raw, PidfdFlags::empty()) {
                Ok(process) => drop(self.alive.insert(pid, process)),
                Err(_) => self.ends.push(now()),
            }
        }
    }

    /// SIGKILL to one child, through its descriptor. One that has ended meanwhile needs none.
    pub(crate) fn kill(&self, pid: u32) {
        if let Some(process) = self.alive.get(&pid) {
            match pidfd_send_signal(process, rustix::process::Signal::KILL) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(error) => panic!("cannot kill {pid}: {error}"),
            }
        }
    }

    /// Kills what a supervisor left; how many that were.
    pub(crate) fn clear(&mut self) -> usize {
        self.look(Duration::ZERO);
        let left: Vec<u32> = self.alive.keys().copied().collect();
        for pid in &left {
            self.kill(*pid);
        }
        assert!(self.wait(|observer| observer.alive.is_empty()), "children survive SIGKILL");
        left.len()
    }
}
