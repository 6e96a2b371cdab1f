//! What a child does between fork and exec so that nothing of the supervisor's surroundings
//! reaches it (R22).

use std::os::unix::process::CommandExt as _;

use nix::libc;
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::stat::{Mode, umask};
use nix::unistd::setsid;

/// First descriptor that is not stdin, stdout or stderr.
const FIRST_EXTRA_DESCRIPTOR: libc::c_uint = 3;

/// Gives the child its own session, default signal handling, umask 077, and no descriptor but the
/// standard three.
#[expect(unsafe_code, reason = "code between fork and exec has no safe interface")]
pub(crate) fn isolate(command: &mut std::process::Command) {
    // SAFETY: the closure makes system calls only, all of them async-signal-safe, and allocates nothing.
    unsafe {
        command.pre_exec(|| {
            setsid()?;
            for number in Signal::iterator().filter(|number| !matches!(number, Signal::SIGKILL | Signal::SIGSTOP)) {
                signal(number, SigHandler::SigDfl)?;
            }
            SigSet::empty().thread_set_mask()?;
            umask(Mode::S_IRWXG | Mode::S_IRWXO);
            // Marked rather than closed, because std reports a failed exec through a pipe of its own. Kernels
            // before 5.11 refuse this; there the descriptors of std and tokio are marked anyway.
            libc::syscall(libc::SYS_close_range, FIRST_EXTRA_DESCRIPTOR, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            Ok(())
        });
    }
}
