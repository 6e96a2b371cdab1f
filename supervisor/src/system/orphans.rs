//! Burying descendants that lost their parents and are ours now, because this process is a subreaper
//! (`PR_SET_CHILD_SUBREAPER`, prctl(2)).

use std::io;
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, waitid, waitpid};
use tokio::signal::unix::{SignalKind, signal};

use crate::notify_socket::Routes;
use crate::system::process_entry::ProcessEntry;

/// After a death the actors bury their own first; what is dead then is an orphan, and many are buried at once.
const PAUSE: Duration = Duration::from_millis(100);

/// Buries dead orphans for ever. The leaders, which `routes` knows, are left to their actors, and whatever is of
/// the supervisor's own session to the code that started it.
///
/// # Errors
/// When the kernel tells of no deaths.
pub(crate) async fn bury(routes: Routes) -> io::Result<()> {
    let mut deaths = signal(SignalKind::child())?;
    while deaths.recv().await.is_some() {
        tokio::time::sleep(PAUSE).await;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if matches!(waitid(WaitId::All, options), Ok(Some(_)))
            && let Err(error) = bury_dead(&routes)
        {
            tracing::debug!(%error, "the children of this process cannot be listed");
        }
    }
    Ok(())
}

fn bury_dead(routes: &Routes) -> io::Result<()> {
    let own_session = ProcessEntry::read_stat(std::process::id()).map(|entry| entry.session);
    for pid in children()? {
        // Held over the look and the burial: a leader becomes known under the same lock in which it is spawned.
        let leaders = routes.lock();
        if leaders.contains_key(&pid) {
            continue;
        }
        let Some(entry) = ProcessEntry::read_stat(pid) else { continue };
        if entry.is_dead
            && Some(entry.session) != own_session
            && let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw)
        {
            let buried = waitpid(Some(raw), WaitOptions::NOHANG);
            tracing::debug!(process = entry.describe(), ?buried, "an orphan was buried");
        }
    }
    Ok(())
}

/// The children of every thread of this process (proc_pid_task(5)).
fn children() -> io::Result<Vec<u32>> {
    let mut children = Vec::new();
    for thread in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(thread?.path().join("children"))?;
        children.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Ok(children)
}
