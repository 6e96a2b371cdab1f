//! Giving back what only the start of the supervisor needed (R6).

use std::io;
use std::ops::Range;

use nix::libc;

/// Gives back the heap that is free, and lets go of the pages of the program's own files that are mapped: those that
/// are needed again come back from the page cache.
///
/// # Errors
/// When the kernel does not tell what is mapped, or refuses to let go of it.
#[expect(unsafe_code, reason = "madvise(2) and malloc_trim(3) have no safe interface")]
pub(crate) fn give_back() -> io::Result<()> {
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
