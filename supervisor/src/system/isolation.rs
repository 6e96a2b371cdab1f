//! What a child does before it executes its program, so that nothing of the supervisor's surroundings
//! reaches it (R22), and so that it is found again wherever it goes (R17).

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::libc;
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Pid, setsid};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::system::resource_mark::ResourceMark;

/// First descriptor that is not stdin, stdout or stderr.
const FIRST_EXTRA_DESCRIPTOR: libc::c_uint = 3;

/// signal(7).
const REAL_TIME_SIGNALS: std::ops::RangeInclusive<libc::c_int> = 32..=64;
/// The kernel's `struct sigaction` with all members zero: `SIG_DFL`, no flags, an empty mask.
static DEFAULT_ACTION: [u64; 4] = [0; 4];

/// What differs from child to child.
#[derive(Debug)]
pub(crate) struct Isolation {
    /// By which its processes are known even when they clear their environment.
    pub(crate) mark: Option<ResourceMark>,
    /// How readily the kernel ends it when memory runs out, -1000 to 1000.
    pub(crate) oom_score_adjust: i16,
    /// Whether it may leave a core dump; it holds secrets, so by default it may not.
    pub(crate) core: bool,
    /// The `cgroup.procs` of its control group, open for writing.
    pub(crate) control_group: Option<OwnedFd>,
}

impl Isolation {
    /// Gives this process, which is about to execute a program, its own session, default signal handling, umask 077, its
    /// mark, its limits and its control group. Async-signal-safe; changes nothing of the memory that it may share.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn enter(&self) -> io::Result<()> {
        leave_surroundings()?;
        if let Some(group) = &self.control_group {
            // "0" is whoever writes it.
            rustix::io::write(group, b"0")?;
        }
        if let Some(mark) = self.mark {
            mark.take()?;
        }
        let core = getrlimit(Resource::Core);
        let current = if self.core { core.maximum } else { Some(0) };
        setrlimit(Resource::Core, Rlimit { current, ..core })?;
        Ok(())
    }

    /// Sets how readily the kernel ends the process `pid`. From outside, once it executes its program: before, the files
    /// below its `/proc` are root's, as the supervisor's are.
    pub(super) fn adjust_oom_score(&self, pid: Pid) {
        let path = format!("/proc/{pid}/oom_score_adj");
        if let Err(error) = std::fs::write(&path, self.oom_score_adjust.to_string()) {
            tracing::debug!(path, %error, "the kernel does not let this user set it");
        }
    }
}

/// Makes a command start as a daemon: with a session of its own, default signal handling, umask 077, no descriptor
/// but the standard three, and without the mark of the node that it may be called from.
#[expect(unsafe_code, reason = "code between fork and exec has no safe interface")]
pub fn detach(command: &mut Command) {
    // SAFETY: the closure makes system calls only, all of them async-signal-safe, and allocates nothing.
    unsafe {
        command.pre_exec(|| {
            leave_surroundings()?;
            ResourceMark::drop_own()?;
            close_on_exec();
            Ok(())
        });
    }
}

#[expect(unsafe_code, reason = "nix cannot know that the default action runs no handler")]
fn leave_surroundings() -> io::Result<()> {
    setsid()?;
    for number in Signal::iterator().filter(|number| !matches!(number, Signal::SIGKILL | Signal::SIGSTOP)) {
        // SAFETY: no handler of ours runs for a signal with its default action.
        unsafe { signal(number, SigHandler::SigDfl)? };
    }
    // By the system call: nix knows no real-time signal, and the C library keeps the first two for itself.
    for number in REAL_TIME_SIGNALS {
        // SAFETY: the kernel reads the action, which outlives the call, and writes nothing.
        if unsafe { libc::syscall(libc::SYS_rt_sigaction, number, &raw const DEFAULT_ACTION, 0, size_of::<u64>()) } < 0
        {
            return Err(io::Error::last_os_error());
        }
    }
    SigSet::empty().thread_set_mask()?;
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    Ok(())
}

/// Marks all descriptors but the standard three; not closed at once, because std reports a failed exec through a pipe of its own.
#[expect(unsafe_code, reason = "close_range(2) has no safe interface")]
pub(super) fn close_on_exec() {
    // SAFETY: no descriptor is closed, only marked. Kernels before 5.11 refuse this; there the descriptors of std
    // and tokio are marked anyway.
    unsafe {
        libc::syscall(libc::SYS_close_range, FIRST_EXTRA_DESCRIPTOR, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
}

/// Writes this process's `oom_score_adj` (proc_pid_oom_score_adj(5)); whether the kernel allowed it. A lower value
/// than before needs a privilege.
pub(super) fn adjust_oom_score(value: &[u8]) -> bool {
    let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::CLOEXEC;
    let file = rustix::fs::open(c"/proc/self/oom_score_adj", flags, rustix::fs::Mode::empty());
    file.is_ok_and(|file| rustix::io::write(file, value).is_ok())
}
