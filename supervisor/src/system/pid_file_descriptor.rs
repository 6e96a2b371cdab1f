//! A handle on one process that no recycled process id can turn onto another (pidfd_open(2)).

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, Signal, pidfd_getfd, pidfd_open, pidfd_send_signal};
use tokio::io::unix::AsyncFd;

use crate::system::process_entry::ProcessEntry;

/// A living or dead process, but always the same one.
#[derive(Debug)]
pub(crate) struct PidFileDescriptor {
    descriptor: AsyncFd<OwnedFd>,
    pid: u32,
    start_time: u64,
}

impl PidFileDescriptor {
    /// Opens the process `pid` that was started at `start_time`; `None` when it is gone, even if
    /// another one has its number by now.
    ///
    /// # Errors
    /// When the kernel refuses for another reason, such as too many open files.
    pub(crate) fn open(pid: u32, start_time: u64) -> io::Result<Option<Self>> {
        let Some(descriptor) = open(pid)? else { return Ok(None) };
        // Compared after opening: had the number been passed on in between, the start time would differ.
        match ProcessEntry::read_stat(pid) {
            Some(entry) if entry.start_time == start_time && !entry.is_dead => {
                Self::watching(descriptor, pid, start_time).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Opens a child of this process that nobody has waited for, so that its number is its own.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn of_child(pid: u32, start_time: u64) -> io::Result<Self> {
        let descriptor = open(pid)?.ok_or_else(|| io::Error::other(format!("there is no process {pid}")))?;
        Self::watching(descriptor, pid, start_time)
    }

    fn watching(descriptor: OwnedFd, pid: u32, start_time: u64) -> io::Result<Self> {
        #[expect(deprecated, reason = "its successor is unsafe for the sake of types that lie, an OwnedFd does not")]
        let descriptor = AsyncFd::new(descriptor)?;
        Ok(Self { descriptor, pid, start_time })
    }

    /// Its process id, another's once it is buried.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// When it was started, in clock ticks since boot.
    pub(crate) fn start_time(&self) -> u64 {
        self.start_time
    }

    /// The descriptor itself, for questions to the kernel.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.get_ref().as_fd()
    }

    /// A duplicate of one of its descriptors (pidfd_getfd(2)).
    ///
    /// # Errors
    /// When it has none of that number, or the kernel lets only its descendants' descriptors be taken (`ptrace_scope`).
    pub(crate) fn duplicate(&self, number: i32) -> io::Result<OwnedFd> {
        Ok(pidfd_getfd(self.descriptor.get_ref(), number, PidfdGetfdFlags::empty())?)
    }

    /// Sends a signal; a process that is gone already has nothing to be told.
    ///
    /// # Errors
    /// When the kernel refuses, because the process changed its user.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(self.descriptor.get_ref(), signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until nothing of the process runs any more.
    ///
    /// # Errors
    /// When the runtime shuts down.
    pub(crate) async fn exited(&self) -> io::Result<()> {
        self.descriptor.readable().await?.retain_ready();
        Ok(())
    }
}

/// A descriptor on whoever has the number now; `None` when nobody has.
fn open(pid: u32) -> io::Result<Option<OwnedFd>> {
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
    match pidfd_open(raw, PidfdFlags::NONBLOCK) {
        Ok(descriptor) => Ok(Some(descriptor)),
        // EINVAL: the number is that of a thread by now.
        Err(Errno::SRCH | Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_recycled_number_opens_nothing() {
        let mut child = tokio::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = child.id().unwrap();
        let start_time = ProcessEntry::read(pid).unwrap().start_time;
        assert!(PidFileDescriptor::open(pid, start_time + 1).unwrap().is_none());
        let process = PidFileDescriptor::open(pid, start_time).unwrap().unwrap();
        process.signal(Signal::KILL).unwrap();
        process.exited().await.unwrap();
        assert!(PidFileDescriptor::open(pid, start_time).unwrap().is_none(), "a zombie is not alive");
        child.wait().await.unwrap();
        process.signal(Signal::KILL).unwrap();
    }
}
