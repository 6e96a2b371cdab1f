//! The first process of a start: our child, or one taken over from an earlier supervisor.

use std::io;
use std::os::unix::process::ExitStatusExt as _;

use anet_protocol::control::ExitCause;
use rustix::process::Signal;
use tokio::process::Child;

use crate::state_file::Leader;
use crate::system::pid_file_descriptor::PidFileDescriptor;

/// A process and the means to watch and signal exactly it.
#[derive(Debug)]
pub(super) struct LeaderProcess {
    pub(super) pid: u32,
    pub(super) start_time: u64,
    /// Absent when it had ended before it could be opened.
    handle: Option<PidFileDescriptor>,
    /// Absent for one that was taken over.
    child: Option<Child>,
}

impl LeaderProcess {
    /// Our own child, which the kernel keeps for us until we ask how it ended.
    ///
    /// # Errors
    /// When the kernel refuses a descriptor.
    pub(super) fn of_child(child: Child, leader: Leader) -> io::Result<Self> {
        let handle = PidFileDescriptor::open(leader.pid, leader.start_time)?;
        Ok(Self { pid: leader.pid, start_time: leader.start_time, handle, child: Some(child) })
    }

    /// The process that an earlier supervisor recorded; `None` when it is gone, even if its number
    /// belongs to another by now.
    ///
    /// # Errors
    /// When the kernel refuses a descriptor.
    pub(super) fn adopt(leader: Leader) -> io::Result<Option<Self>> {
        let handle = PidFileDescriptor::open(leader.pid, leader.start_time)?;
        Ok(handle.map(|handle| Self {
            pid: leader.pid,
            start_time: leader.start_time,
            handle: Some(handle),
            child: None,
        }))
    }

    /// Sends it a signal; nothing happens when it is gone.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        self.handle.as_ref().map_or(Ok(()), |handle| handle.signal(signal))
    }

    /// Waits for its end. The kernel tells only a parent how it ended.
    pub(super) async fn exited(&mut self) -> ExitCause {
        if let Some(child) = &mut self.child {
            return match child.wait().await {
                Ok(status) => match (status.code(), status.signal()) {
                    (Some(code), _) => ExitCause::Code { code },
                    (None, Some(signal)) => ExitCause::Signal { signal },
                    (None, None) => ExitCause::Unknown,
                },
                Err(error) => {
                    tracing::error!(pid = self.pid, %error, "cannot wait for a child");
                    ExitCause::Unknown
                }
            };
        }
        if let Some(handle) = &self.handle
            && let Err(error) = handle.exited().await
        {
            // Only when the runtime is shutting down: nothing may be concluded from it.
            tracing::warn!(pid = self.pid, %error, "cannot watch a process");
            std::future::pending::<()>().await;
        }
        ExitCause::Unknown
    }
}
