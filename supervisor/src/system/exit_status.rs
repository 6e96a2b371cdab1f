//! How a process ended: told by the kernel to its parent (waitid(2)); to others of its user as long as the
//! parent has not buried it (proc_pid_stat(5), field 52); and from Linux 6.15 on afterwards to whoever held a
//! descriptor on it (`PIDFD_GET_INFO`, ioctl_pidfd(2)).

use std::time::Duration;

use anet_protocol::control::ExitCause;
use rustix::io::Errno;
use rustix::ioctl::{Updater, ioctl, opcode};
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};

use crate::system::pid_file_descriptor::PidFileDescriptor;
use crate::system::process_entry::unburied_exit_code;

/// Between the two questions to the kernel a process may be buried by its parent, so both are asked again.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(1);

/// `struct pidfd_info` of linux/pidfd.h in its first form.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct PidFdInfo {
    mask: u64,
    control_group: u64,
    pid: u32,
    thread_group: u32,
    parent: u32,
    /// Real, effective, saved and file system user and group.
    ids: [u32; 8],
    /// In the form of wait(2).
    exit_code: i32,
}

/// `PIDFD_INFO_EXIT`: `exit_code` is asked for; on return, that it is there.
const EXIT: u64 = 1 << 3;
/// `PIDFD_GET_INFO`.
const GET_INFO: rustix::ioctl::Opcode = opcode::read_write::<PidFdInfo>(0xFF, 11);

/// How the process ended, which it has; a child of ours is thereby buried.
pub(crate) async fn of(process: &PidFileDescriptor) -> ExitCause {
    match waitid(WaitId::PidFd(process.descriptor()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
        Ok(Some(status)) => of_child(&status),
        Ok(None) | Err(Errno::CHILD) => of_another(process).await,
        Err(error) => {
            tracing::error!(%error, "cannot ask how a child ended");
            ExitCause::Unknown
        }
    }
}

fn of_child(status: &WaitIdStatus) -> ExitCause {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => ExitCause::Code { code },
        (None, Some(signal)) => ExitCause::Signal { signal, core: status.dumped() },
        (None, None) => ExitCause::Unknown,
    }
}

async fn of_another(process: &PidFileDescriptor) -> ExitCause {
    for _ in 0..ATTEMPTS {
        if let Some(wait_status) = unburied_exit_code(process.pid(), process.start_time()) {
            return of_wait_status(wait_status);
        }
        match ask(process) {
            Ok(Some(wait_status)) => return of_wait_status(wait_status),
            Ok(None) => tokio::time::sleep(PAUSE).await,
            // Older kernels do not know the question.
            Err(error) => {
                tracing::debug!(%error, "the kernel does not tell how another's child ended");
                break;
            }
        }
    }
    ExitCause::Unknown
}

/// Asks once; `None` while the process is not buried.
#[expect(unsafe_code, reason = "an ioctl has no safe interface")]
fn ask(process: &PidFileDescriptor) -> Result<Option<i32>, Errno> {
    let mut info = PidFdInfo { mask: EXIT, ..PidFdInfo::default() };
    // SAFETY: the opcode carries the size of `PidFdInfo`, and the kernel writes no more than that.
    unsafe { ioctl(process.descriptor(), Updater::<GET_INFO, PidFdInfo>::new(&mut info))? };
    Ok((info.mask & EXIT != 0).then_some(info.exit_code))
}

/// Reads the form of wait(2): the signal in the low seven bits, then the core flag, then the exit code.
fn of_wait_status(status: i32) -> ExitCause {
    match status & 0x7f {
        0 => ExitCause::Code { code: (status >> 8) & 0xff },
        signal => ExitCause::Signal { signal, core: status & 0x80 != 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::process_entry::ProcessEntry;

    #[test]
    fn a_wait_status_is_read_as_wait_2_says() {
        assert_eq!(of_wait_status(0x2a00), ExitCause::Code { code: 42 });
        assert_eq!(of_wait_status(9), ExitCause::Signal { signal: 9, core: false });
        assert_eq!(of_wait_status(0x86), ExitCause::Signal { signal: 6, core: true });
    }

    #[tokio::test]
    #[expect(clippy::zombie_processes, reason = "what is tested is the waiting")]
    async fn a_childs_code_and_signal_are_told() {
        for (script, expected) in
            [("exit 42", ExitCause::Code { code: 42 }), ("kill -9 $$", ExitCause::Signal { signal: 9, core: false })]
        {
            let child = std::process::Command::new("sh").args(["-c", script]).spawn().unwrap();
            let start_time = ProcessEntry::read(child.id()).unwrap().start_time;
            let process = PidFileDescriptor::of_child(child.id(), start_time).unwrap();
            process.exited().await.unwrap();
            assert_eq!(of(&process).await, expected);
        }
    }

    /// A process whose parent is another, which waits for it: `sh` prints its child's number, waits and leaves.
    #[tokio::test]
    async fn the_end_of_another_ones_child_is_told_where_the_kernel_can() {
        let script = "exec 3<&0; sh -c 'read line; exit 42' <&3 & echo $!; wait";
        let mut parent = tokio::process::Command::new("sh")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(parent.stdout.take().unwrap()));
        let pid: u32 = lines.next_line().await.unwrap().unwrap().parse().unwrap();
        let start_time = ProcessEntry::read(pid).unwrap().start_time;
        let process = PidFileDescriptor::open(pid, start_time).unwrap().unwrap();
        drop(parent.stdin.take());
        process.exited().await.unwrap();
        let told = of(&process).await;
        parent.wait().await.unwrap();
        assert_eq!(unburied_exit_code(pid, start_time), None);
        let tells_afterwards = matches!(ask(&process), Ok(Some(_)));
        if tells_afterwards {
            assert_eq!(of(&process).await, ExitCause::Code { code: 42 });
            assert_eq!(told, ExitCause::Code { code: 42 });
        }
    }
}
