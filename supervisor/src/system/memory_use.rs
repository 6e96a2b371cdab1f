//! How much memory is held that nothing but its holder's end gives back: file pages, which the kernel can drop, do not
//! count, and what was swapped out does.

use crate::system::control_group::ControlGroup;

/// Bytes that a control group is charged for; `None` without the memory controller.
pub(crate) fn of_group(group: &ControlGroup) -> Option<u64> {
    let read = |file: &str| std::fs::read_to_string(group.path().join(file));
    let number = |text: String| text.trim().parse::<u64>().ok();
    let charged = number(read("memory.current").ok()?)?;
    // Not there where the kernel does not count swap.
    let swapped = read("memory.swap.current").ok().and_then(number).unwrap_or_default();
    let stat = read("memory.stat").unwrap_or_default();
    let file_pages: u64 = ["inactive_file ", "active_file "].iter().filter_map(|key| value(&stat, key)).sum();
    Some((charged + swapped).saturating_sub(file_pages))
}

/// Bytes that a process holds for itself; `None` when it is gone. What processes share is not in it, since each of them
/// would be charged for all of it.
pub(crate) fn of_process(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    // proc_pid_status(5): in units of 1024 bytes.
    Some(1024 * ["RssAnon:", "VmSwap:"].iter().filter_map(|key| value(&status, key)).sum::<u64>())
}

fn value(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_charged_for_what_is_swapped_out_and_not_for_files_that_can_be_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| std::fs::write(directory.path().join(file), text).unwrap();
        write("cgroup.procs", "");
        let group = ControlGroup::open(directory.path().to_owned()).unwrap();
        assert_eq!(of_group(&group), None, "without the controller nothing is known");
        write("memory.current", "1000\n");
        assert_eq!(of_group(&group), Some(1000));
        write("memory.swap.current", "500\n");
        write("memory.stat", "anon 600\nfile 400\ninactive_file 100\nactive_file 200\nworkingset_refault_file 9\n");
        assert_eq!(of_group(&group), Some(1200));
    }

    #[test]
    fn memory_that_was_written_to_is_counted_for_its_process() {
        let me = std::process::id();
        let before = of_process(me).unwrap();
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(of_process(me).unwrap() >= before + (32 << 20));
        drop(block);
        assert_eq!(of_process(0), None);
    }
}
