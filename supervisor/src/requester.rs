//! Who is at the other end of a control connection.

use anet_protocol::control::Requester;

use crate::system::process_entry::program_of;

/// Whom the kernel vouches for, with the program as `/proc` tells it now. The process id is 0 for a process
/// outside this PID namespace.
pub(crate) fn requester(uid: u32, pid: Option<i32>) -> Requester {
    let pid = pid.and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default();
    Requester { uid, pid, program: program_of(pid) }
}
