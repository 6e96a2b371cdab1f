//! One line of the kernel's process table.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use crate::system::resource_mark::ResourceMark;

/// The variable by which every process of one start is known, however it detached itself.
pub(crate) const INSTANCE_VARIABLE: &str = "ANET_INSTANCE_ID";

/// A process at the moment it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessEntry {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) session: u32,
    /// Clock ticks since boot; with the pid it names a process for good.
    pub(crate) start_time: u64,
    /// Nothing of it runs any more; its parent has not asked how it ended.
    pub(crate) is_dead: bool,
    /// Its program's name, as the kernel cuts it.
    pub(crate) name: String,
    /// Its `ANET_INSTANCE_ID`, where that can be read.
    pub(crate) instance: Option<String>,
    /// Its mark, looked for where the id is not found.
    pub(crate) mark: Option<ResourceMark>,
    /// Where its environment lies in its memory, another place after each exec; `None` where that may not be seen.
    pub(crate) environment: Option<u64>,
}

/// What tells of which start each process is. It was read once and holds until the next exec, whatever the process
/// does: who clears its environment is still of the start that it was born in.
#[derive(Debug, Default)]
pub(crate) struct KnownMarks(HashMap<ProgramRun, Marks>);

/// Process id, start time and place of the environment.
type ProgramRun = (u32, u64, u64);

/// The `ANET_INSTANCE_ID`, else the mark in the limits.
type Marks = (Option<String>, Option<ResourceMark>);

/// More than `/proc/<pid>/stat` ever holds: 52 numbers and a name of 64 bytes at most.
const LARGEST_STAT: usize = 2048;
/// Where the kernel lists its own threads (proc_pid_task(5)).
const KERNEL_THREADS: &str = "/proc/2/task/2/children";
/// Among the flags of a thread of the kernel (`PF_KTHREAD`, linux/sched.h).
const KERNEL_THREAD: u64 = 0x0020_0000;
/// Read at once; the variables of most processes fit.
const USUAL_ENVIRONMENT: usize = 8 * 1024;

impl ProcessEntry {
    /// Looks at one process; `None` when there is none of that id.
    pub(crate) fn read(pid: u32) -> Option<Self> {
        let mut entry = Self::read_stat(pid)?;
        entry.read_marks();
        Some(entry)
    }

    /// As [`Self::read`], without what tells of which start it is.
    pub(crate) fn read_stat(pid: u32) -> Option<Self> {
        let mut buffer = [0; LARGEST_STAT];
        // The kernel gives the whole line to one read.
        let length = File::open(directory(pid).join("stat")).and_then(|mut file| file.read(&mut buffer)).ok()?;
        Self::parse(&String::from_utf8_lossy(&buffer[..length]))
    }

    fn read_marks(&mut self) {
        if self.is_dead {
            return;
        }
        // Unreadable for other users' processes, which are none of ours.
        let environ = read_whole(directory(self.pid).join("environ"));
        self.instance = environ.ok().and_then(|bytes| find_instance(&bytes));
        if self.instance.is_none() {
            let limits = read_whole(directory(self.pid).join("limits")).unwrap_or_default();
            self.mark = ResourceMark::find(&String::from_utf8_lossy(&limits));
        }
    }

    /// As [`Self::read`], without reading again what `known` tells; what was read is added to `learned`.
    fn read_knowing(pid: u32, known: &KnownMarks, learned: &mut KnownMarks) -> Option<Self> {
        let mut entry = Self::read_stat(pid)?;
        let Some(key) = entry.environment.map(|environment| (pid, entry.start_time, environment)) else {
            entry.read_marks();
            return Some(entry);
        };
        if let Some((instance, mark)) = known.0.get(&key) {
            (entry.instance, entry.mark) = (instance.clone(), *mark);
        } else {
            entry.read_marks();
            // Looked at again: an exec in between would have put another process's marks under this one's key.
            if Self::read_stat(pid)?.environment != entry.environment {
                return Self::read(pid);
            }
        }
        if !entry.is_dead {
            learned.0.insert(key, (entry.instance.clone(), entry.mark));
        }
        Some(entry)
    }

    /// Reads a line of `/proc/<pid>/stat` (proc_pid_stat(5)).
    fn parse(stat: &str) -> Option<Self> {
        let (pid, rest) = stat.split_once(" (")?;
        // The name may hold anything, closing parentheses too; the last one ends it.
        let (name, rest) = rest.rsplit_once(") ")?;
        // In the order of their numbers, the first of which is 3: a reading has a hundred thousand of them.
        let mut fields = rest.split_ascii_whitespace();
        let (state, parent, session) = (fields.next()?, fields.next()?, fields.nth(1)?);
        let (threads, start_time) = (fields.nth(20 - 7)?.parse::<u64>().ok()?, fields.nth(22 - 21)?);
        let environment = fields.nth(50 - 23);
        Some(Self {
            pid: pid.parse().ok()?,
            parent: parent.parse().ok()?,
            session: session.parse().ok()?,
            start_time: start_time.parse().ok()?,
            // A process whose first thread ended is shown as a zombie while the others work on.
            is_dead: matches!(state, "Z" | "X") && threads <= 1,
            name: name.to_owned(),
            instance: None,
            mark: None,
            environment: environment.and_then(|address| address.parse().ok()).filter(|address| *address != 0),
        })
    }

    /// Name and number, for people.
    pub(crate) fn describe(&self) -> String {
        format!("{} (process {})", self.name, self.pid)
    }
}

/// Every process there is but the kernel's own threads and those in `spared`, in the order of their ids, as `spared` must
/// be. `known` is what the last reading learned, and learns from this one.
///
/// # Errors
/// When `/proc` cannot be listed.
pub(crate) fn read_all(known: &mut KnownMarks, spared: &[u32]) -> io::Result<Vec<ProcessEntry>> {
    let mut learned = KnownMarks::default();
    let pids = list()?.into_iter().filter(|pid| spared.binary_search(pid).is_err());
    let entries = pids.filter_map(|pid| ProcessEntry::read_knowing(pid, known, &mut learned)).collect();
    *known = learned;
    Ok(entries)
}

/// The processes that are neither among `known` nor in `spared`, both of which must be in the order of the ids.
///
/// # Errors
/// When `/proc` cannot be listed.
pub(crate) fn read_others(known: &[ProcessEntry], spared: &[u32]) -> io::Result<Vec<ProcessEntry>> {
    let is_known = |pid: &u32| known.binary_search_by_key(pid, |entry| entry.pid).is_ok();
    let is_new = |pid: &u32| !is_known(pid) && spared.binary_search(pid).is_err();
    Ok(list()?.into_iter().filter(is_new).filter_map(ProcessEntry::read).collect())
}

/// The process id that the kernel gave last, to a process or a thread (proc_loadavg(5)): as long as it is the same, none
/// was born.
pub(crate) fn last_given() -> Option<u32> {
    let mut buffer = [0; 128];
    let length = File::open("/proc/loadavg").and_then(|mut file| file.read(&mut buffer)).ok()?;
    str::from_utf8(&buffer[..length]).ok()?.split_ascii_whitespace().nth(4)?.parse().ok()
}

/// The id of every process in ascending order, without the threads of the kernel.
fn list() -> io::Result<Vec<u32>> {
    let of_the_kernel = kernel_threads();
    let mut pids = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        pids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    pids.retain(|pid| of_the_kernel.binary_search(pid).is_err());
    pids.sort_unstable();
    Ok(pids)
}

/// The threads of the kernel, in ascending order, as far as it lists them: they are half of the table of a small
/// machine, and of no start. None in a container, which does not see them.
fn kernel_threads() -> Vec<u32> {
    let starter = read_whole(PathBuf::from("/proc/2/stat")).unwrap_or_default();
    if !is_kernel_thread(&String::from_utf8_lossy(&starter)) {
        return Vec::new();
    }
    // Absent from a kernel without CONFIG_PROC_CHILDREN.
    let children = read_whole(PathBuf::from(KERNEL_THREADS)).unwrap_or_default();
    let children = String::from_utf8_lossy(&children);
    let mut pids: Vec<u32> = children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// By a line of `/proc/<pid>/stat`.
fn is_kernel_thread(stat: &str) -> bool {
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let flags = fields.split_ascii_whitespace().nth(9 - 3).and_then(|flags| flags.parse::<u64>().ok());
    flags.is_some_and(|flags| flags & KERNEL_THREAD != 0)
}

/// A file of the kernel, in few pieces: it makes the text anew for each, and tells no length.
fn read_whole(path: PathBuf) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut bytes = vec![0; USUAL_ENVIRONMENT];
    let mut length = 0;
    loop {
        match file.read(&mut bytes[length..])? {
            0 => break,
            count => length += count,
        }
        if length == bytes.len() {
            bytes.resize(length * 2, 0);
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// How a process ended whose parent has not asked yet, in the form of wait(2); `None` when it runs, is buried,
/// or may not be looked at.
pub(crate) fn unburied_exit_code(pid: u32, start_time: u64) -> Option<i32> {
    let stat = std::fs::read_to_string(directory(pid).join("stat")).ok()?;
    let entry = ProcessEntry::parse(&stat)?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let code = rest.split_ascii_whitespace().nth(52 - 3)?.parse().ok()?;
    // The kernel shows 0 to whoever may not look.
    let may_look = nix::unistd::geteuid().is_root() || real_uid(pid) == Some(nix::unistd::getuid().as_raw());
    (may_look && entry.is_dead && entry.start_time == start_time).then_some(code)
}

/// The program file of a process, where that may be seen.
pub(crate) fn program_of(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(directory(pid).join("exe")).ok()
}

/// Whether a process has a handler for a signal; false where that cannot be seen.
pub(crate) fn catches(pid: u32, signal: i32) -> bool {
    let status = std::fs::read_to_string(directory(pid).join("status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    // proc_pid_status(5): a mask in hexadecimal digits, in which signal 1 is the lowest bit.
    let mask = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    (1..=64).contains(&signal) && mask & (1 << (signal - 1)) != 0
}

/// The real user of a process.
pub(crate) fn real_uid(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(directory(pid).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// The `~/.anet` of the supervisor that started a process, where its environment can be read.
pub(crate) fn home_of(pid: u32) -> Option<PathBuf> {
    let mut variables = environment_of(pid).into_iter();
    variables.find_map(|(name, value)| (name == "ANET_HOME").then(|| value.into()))
}

/// The words of a process's command line, as it was executed; none where that may not be seen.
pub(crate) fn arguments_of(pid: u32) -> Vec<OsString> {
    let line = read_whole(directory(pid).join("cmdline")).unwrap_or_default();
    let line = line.strip_suffix(b"\0").unwrap_or(&line);
    if line.is_empty() { Vec::new() } else { line.split(|byte| *byte == 0).map(to_os_string).collect() }
}

/// The environment with which a process was executed; none where that may not be seen.
pub(crate) fn environment_of(pid: u32) -> Vec<(OsString, OsString)> {
    let environ = read_whole(directory(pid).join("environ")).unwrap_or_default();
    let pairs = environ.split(|byte| *byte == 0).filter_map(|entry| {
        let equals = entry.iter().position(|byte| *byte == b'=')?;
        Some((to_os_string(&entry[..equals]), to_os_string(&entry[equals + 1..])))
    });
    pairs.collect()
}

/// The file behind a descriptor of a process, where that may be seen.
pub(crate) fn output_of(pid: u32, number: u32) -> Option<PathBuf> {
    std::fs::read_link(directory(pid).join(format!("fd/{number}"))).ok()
}

fn to_os_string(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

/// The kernel's name for this boot; process ids and start times mean nothing in another one.
///
/// # Errors
/// When `/proc` is not mounted.
pub(crate) fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

fn directory(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}"))
}

fn find_instance(environ: &[u8]) -> Option<String> {
    environ.split(|byte| *byte == 0).find_map(|entry| {
        let value = entry.strip_prefix(INSTANCE_VARIABLE.as_bytes())?.strip_prefix(b"=")?;
        String::from_utf8(value.to_vec()).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_fields_deceives_nobody() {
        let line = "7 (a) S 1 (b) R 3 4 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        let entry = ProcessEntry::parse(line).unwrap();
        assert_eq!((entry.pid, entry.name.as_str(), entry.parent), (7, "a) S 1 (b", 3));
        assert_eq!((entry.session, entry.start_time, entry.is_dead), (5, 4711, false));
    }

    #[test]
    fn a_zombie_with_living_threads_is_alive() {
        let line = |threads: u32| format!("7 (a) Z 3 4 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0 4711 0 0");
        assert!(ProcessEntry::parse(&line(1)).unwrap().is_dead);
        assert!(!ProcessEntry::parse(&line(2)).unwrap().is_dead);
    }

    #[test]
    fn the_marker_is_a_whole_entry_of_the_environment() {
        assert_eq!(find_instance(b"A=1\0ANET_INSTANCE_ID=i_1\0B=2\0").as_deref(), Some("i_1"));
        assert_eq!(find_instance(b"XANET_INSTANCE_ID=i_1\0ANET_INSTANCE_IDX=i_2\0A=ANET_INSTANCE_ID=i_3\0"), None);
    }

    #[test]
    fn this_process_is_in_the_table() {
        let me = std::process::id();
        let all = read_all(&mut KnownMarks::default(), &[]).unwrap();
        assert_eq!(all.iter().filter(|entry| entry.pid == me && !entry.is_dead).count(), 1);
        assert_eq!(real_uid(me), Some(nix::unistd::getuid().as_raw()));
    }

    #[test]
    fn whoever_is_born_changes_the_number_that_was_given_last() {
        let before = last_given().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        assert_ne!(last_given().unwrap(), before);
        child.wait().unwrap();
    }

    #[test]
    fn threads_of_the_kernel_are_left_out_and_nobody_else_is() {
        assert!(is_kernel_thread("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0"));
        assert!(!is_kernel_thread("2 (kthreadd) S 0 0 0 0 -1 4194304 0 0"), "a process may take any name");
        let directories = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse::<u32>().ok()?;
            let stat = std::fs::read_to_string(directory(pid).join("stat")).ok()?;
            let lives = ProcessEntry::parse(&stat).is_some_and(|entry| !entry.is_dead);
            (lives && !is_kernel_thread(&stat)).then_some(pid)
        });
        let mut expected: Vec<u32> = directories.collect();
        let listed = list().unwrap();
        // Those that ended meanwhile were of other tests.
        expected.retain(|pid| directory(*pid).exists());
        assert!(expected.iter().all(|pid| listed.binary_search(pid).is_ok() || !directory(*pid).exists()));
        assert!(kernel_threads().iter().all(|pid| listed.binary_search(pid).is_err()));
    }

    #[test]
    fn a_file_of_the_kernel_is_read_whole_however_long() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = vec![7; 3 * USUAL_ENVIRONMENT + 1];
        std::fs::write(file.path(), &text).unwrap();
        assert_eq!(read_whole(file.path().to_owned()).unwrap(), text);
    }

    #[test]
    fn what_was_learned_of_a_process_holds_until_it_executes_another_program() {
        use std::io::{BufRead as _, BufReader, Write as _};

        let entry_of = |pid: u32, known: &mut KnownMarks| {
            read_all(known, &[]).unwrap().into_iter().find(|entry| entry.pid == pid).unwrap().instance
        };
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", "echo; read line; exec env -i /bin/sh -c 'echo; read line'"])
            .env(INSTANCE_VARIABLE, "i_1")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut known = KnownMarks::default();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        for _ in 0..2 {
            assert_eq!(entry_of(child.id(), &mut known).as_deref(), Some("i_1"));
        }
        input.write_all(b"\n").unwrap();
        output.read_line(&mut line).unwrap();
        assert_eq!(entry_of(child.id(), &mut known), None, "it cleared its environment");
        drop(input);
        child.wait().unwrap();
    }
}
