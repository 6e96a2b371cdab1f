//! Starting an agent so that it can be ended as a whole.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sys::signal::SigSet;
use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal, setsid};
use tokio::process::{Child, Command};

/// What to start.
pub(crate) struct Program<'a> {
    /// The program, an absolute path.
    pub(crate) path: &'a Path,
    /// Its arguments.
    pub(crate) arguments: &'a [String],
    /// Its whole environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Where it starts.
    pub(crate) directory: PathBuf,
}

/// Starts a program in a session of its own, with pipes on its three standard streams.
///
/// It dies with the thread that starts it, so this must be called on a thread that lives as long
/// as the node: a worker of the tokio runtime, never one of its blocking threads.
pub(crate) fn spawn(program: Program<'_>) -> io::Result<Child> {
    let node = getpid();
    let mut command = Command::new(program.path);
    command
        .args(program.arguments)
        .env_clear()
        .envs(program.environment)
        .current_dir(program.directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // The last resort; in order, the whole tree is ended before this value is dropped.
        .kill_on_drop(true);
    #[expect(unsafe_code, reason = "a session and a death signal can only be set between fork and exec")]
    // SAFETY: `prepare` makes five system calls, all async-signal-safe, and allocates nothing.
    unsafe {
        command.pre_exec(move || prepare(node));
    }
    command.spawn()
}

/// Runs in the child, between fork and exec.
fn prepare(node: Pid) -> io::Result<()> {
    setsid()?;
    SigSet::empty().thread_set_mask()?;
    keep_own_files_back()?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The node may have died before the line above took effect.
    if getppid() == Some(node) { Ok(()) } else { Err(io::Error::from_raw_os_error(nix::libc::ESRCH)) }
}

/// Marks everything beyond the three standard streams to be closed at exec: what the node itself
/// was started with is none of an agent's business.
fn keep_own_files_back() -> io::Result<()> {
    #[expect(unsafe_code, reason = "no crate in use has a safe close_range(2)")]
    // SAFETY: the call takes three numbers, and the flag closes nothing before exec.
    let result = unsafe { nix::libc::syscall(nix::libc::SYS_close_range, 3, u32::MAX, nix::libc::CLOSE_RANGE_CLOEXEC) };
    match io::Error::last_os_error() {
        _ if result == 0 => Ok(()),
        // Linux before 5.11: all that this program opens is marked anyway.
        error if matches!(error.raw_os_error(), Some(nix::libc::ENOSYS | nix::libc::EINVAL)) => Ok(()),
        error => Err(error),
    }
}
