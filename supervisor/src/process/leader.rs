//! The first process of a start: our child, or one taken over from an earlier supervisor.

use std::io;
use std::os::fd::OwnedFd;

use anet_protocol::control::ExitCause;
use rustix::process::Signal;

use crate::state_file::Leader;
use crate::system::exit_status;
use crate::system::pid_file_descriptor::PidFileDescriptor;
use crate::system::process_entry::ProcessEntry;

/// A process and the means to watch and signal exactly it.
#[derive(Debug)]
pub(super) struct LeaderProcess {
    pub(super) pid: u32,
    pub(super) start_time: u64,
    handle: PidFileDescriptor,
}

impl LeaderProcess {
    /// Our own child, which the kernel keeps for us until we ask how it ended.
    ///
    /// # Errors
    /// When the kernel refuses a descriptor.
    pub(super) fn of_child(pid: u32) -> io::Result<Self> {
        // Not waited for yet, so the number is its own, even when it has ended.
        let gone = || io::Error::other(format!("process {pid} vanished from the process table"));
        let start_time = ProcessEntry::read_stat(pid).ok_or_else(gone)?.start_time;
        let handle = PidFileDescriptor::of_child(pid, start_time)?;
        Ok(Self { pid, start_time, handle })
    }

    /// The process that an earlier supervisor recorded; `None` when it is gone, even if its number
    /// belongs to another by now.
    ///
    /// # Errors
    /// When the kernel refuses a descriptor.
    pub(super) fn adopt(leader: Leader) -> io::Result<Option<Self>> {
        let handle = PidFileDescriptor::open(leader.pid, leader.start_time)?;
        Ok(handle.map(|handle| Self { pid: leader.pid, start_time: leader.start_time, handle }))
    }

    /// Sends it a signal; nothing happens when it is gone.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        self.handle.signal(signal)
    }

    /// A duplicate of its standard input, where the kernel gives one.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn standard_input(&self) -> io::Result<OwnedFd> {
        self.handle.duplicate(0)
    }

    /// Waits for its end, and tells how it ended.
    pub(super) async fn exited(&self) -> ExitCause {
        if let Err(error) = self.handle.exited().await {
            // Only when the runtime is shutting down: nothing may be concluded from it.
            tracing::warn!(pid = self.pid, %error, "cannot watch a process");
            std::future::pending::<()>().await;
        }
        exit_status::of(&self.handle).await
    }
}
