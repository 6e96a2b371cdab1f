//! How much memory the supervisor itself takes (R6, R8).

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::libc;
use tokio::sync::Notify;

/// When everything that is started with the supervisor, or at once later on, is.
const SETTLED: Duration = Duration::from_secs(2);
/// After so many starts it is worth looking what they left.
const MANY: u32 = 32;

/// What starts leave behind in the supervisor's memory is given back when they are over.
#[derive(Debug, Default)]
pub(crate) struct Tidying {
    starts: AtomicU32,
    are_many: Notify,
}

impl Tidying {
    /// A process was started.
    pub(crate) fn note_start(&self) {
        if self.starts.fetch_add(1, Ordering::Relaxed) + 1 >= MANY {
            self.are_many.notify_one();
        }
    }

    /// Gives back what the start of the supervisor needed, then what many starts of others did.
    pub(crate) async fn run(&self) {
        loop {
            tokio::time::sleep(SETTLED).await;
            self.starts.store(0, Ordering::Relaxed);
            if let Err(error) = give_back() {
                tracing::debug!(%error, "memory is not given back");
            }
            self.are_many.notified().await;
        }
    }
}

/// Has all threads share one heap. glibc gives each a heap of its own, and what the threads that read and write files
/// needed for a moment would stay with every one of them: 8 MB after some thousand restarts.
#[expect(unsafe_code, reason = "mallopt(3) has no safe interface")]
pub(crate) fn share_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it sets a number that is looked at when a thread first allocates.
    if unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) } == 0 {
        tracing::debug!("the threads keep heaps of their own");
    }
}

/// Gives back the heap that is free, and lets go of the pages of the program's own files that are mapped: those that
/// are needed again come back from the page cache.
///
/// # Errors
/// When the kernel does not tell what is mapped, or refuses to let go of it.
#[expect(unsafe_code, reason = "madvise(2) and malloc_trim(3) have no safe interface")]
fn give_back() -> io::Result<()> {
    #[cfg(target_env = "gnu")]
    // SAFETY: it touches what is free alone.
    unsafe {
        libc::malloc_trim(0);
    }
    let maps = std::fs::read_to_string("/proc/self/smaps")?;
    for range in clean_files(&maps) {
        let address = std::ptr::with_exposed_provenance_mut::<libc::c_void>(range.start);
        // SAFETY: nothing in this range was ever written by this process, nor can be, so that whatever is read or
        // executed there next is read from the file again.
        if unsafe { libc::madvise(address, range.len(), libc::MADV_DONTNEED) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Where files are mapped that cannot be written there and have no page of their own (proc_pid_smaps(5)).
fn clean_files(smaps: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut mapping = None;
    for line in smaps.lines() {
        if let Some(next) = Mapping::parse(line) {
            mapping = Some(next);
        } else if line.split_ascii_whitespace().eq(["Anonymous:", "0", "kB"]) {
            found.extend(mapping.take().filter(|mapping| mapping.is_read_only_file).map(|mapping| mapping.range));
        }
    }
    found
}

/// A part of this process's memory.
struct Mapping {
    range: Range<usize>,
    is_read_only_file: bool,
}

impl Mapping {
    /// Reads the line that begins a mapping; `None` for one that tells more of it.
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split_ascii_whitespace().take(6).collect();
        let (start, end) = fields.first()?.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).ok();
        let (access, inode) = (*fields.get(1)?, *fields.get(4)?);
        let is_read_only_file = ["r-xp", "r--p"].contains(&access) && inode != "0";
        Some(Self { range: address(start)?..address(end)?, is_read_only_file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_read_and_has_no_page_of_its_own_is_let_go() {
        let smaps = "\
1000-3000 r-xp 00000000 fe:00 42                         /usr/bin/anet\nRss: 8 kB\nAnonymous:             0 kB\n\
3000-5000 r--p 00002000 fe:00 42                         /usr/bin/anet\nRss: 8 kB\nAnonymous:             4 kB\n\
5000-6000 rw-p 00004000 fe:00 42                         /usr/bin/anet\nAnonymous:             0 kB\n\
6000-7000 r--s 00000000 fe:00 43                         /shared\nAnonymous:             0 kB\n\
7000-8000 r--p 00000000 00:00 0 \nAnonymous:             0 kB\n\
8000-9000 r-xp 00000000 00:00 0                          [vdso]\nAnonymous:             0 kB\n";
        assert_eq!(clean_files(smaps), vec![0x1000..0x3000; 1]);
    }

    #[test]
    fn a_process_that_gave_back_its_pages_goes_on() {
        let table: Vec<u64> = (0..100_000).collect();
        for _ in 0..3 {
            give_back().unwrap();
            assert_eq!(table.iter().sum::<u64>(), 4_999_950_000);
            assert!(std::fs::read_to_string("/proc/self/smaps").unwrap().contains("Rss:"));
        }
    }
}
