//! What the supervisor does to its own process before it starts others.

use std::io;

use rustix::process::{DumpableBehavior, set_child_subreaper, set_dumpable_behavior};

use super::isolation::adjust_oom_score;
use super::own_memory::share_heap;
use super::resource_mark::ResourceMark;

/// The kernel should rather end anything else when memory runs out (R22); allowed to root alone.
const OOM_SCORE_ADJUST: &[u8] = b"-500";

/// Makes orphaned descendants children of this process, so that they are buried; keeps its memory, which holds
/// secrets, from being dumped or read by others (R42); keeps it small; and asks to be spared when memory runs out.
///
/// # Errors
/// When the kernel refuses one of the first two.
pub(crate) fn prepare() -> io::Result<()> {
    share_heap();
    set_child_subreaper(Some(rustix::process::getpid()))?;
    ResourceMark::drop_own()?;
    if !adjust_oom_score(OOM_SCORE_ADJUST) {
        tracing::debug!("the kernel does not let this user lower its own oom_score_adj");
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}
