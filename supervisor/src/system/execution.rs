//! Starting a program from a large process. Until it executes the program the child shares the memory of the
//! supervisor (`CLONE_VM | CLONE_VFORK`, clone(2), as posix_spawn(3) does it): to copy the supervisor's page tables
//! takes longer than all else of a start.

use std::ffi::{CString, OsStr, OsString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::ptr;

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use secrecy::zeroize::Zeroize as _;

use crate::environment::lookup;
use crate::system::isolation::{Isolation, close_on_exec};

/// What the child does before it executes the program needs less than a page of its stack.
const STACK: usize = 64 * 1024;
/// Where programs are when the environment has no `PATH` (execvp(3)).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Everything that the child needs, made before it exists, because nothing may be allocated in it.
pub(crate) struct Execution {
    /// Where the program may be, in this order.
    candidates: Vec<CString>,
    arguments: Vec<CString>,
    /// Overwritten in the end: it holds secrets.
    environment: Vec<CString>,
    directory: CString,
    /// Its stdin, stdout and stderr.
    standard: [OwnedFd; 3],
    isolation: Isolation,
}

/// What parent and child share.
struct Plan<'execution> {
    execution: &'execution Execution,
    arguments: Vec<*const c_char>,
    /// The arguments of a shell that reads a script without `#!`; the second one is put in by the child.
    shell: Vec<*const c_char>,
    environment: Vec<*const c_char>,
    /// Why the program could not be executed; 0 as long as nothing failed.
    error: c_int,
}

impl Execution {
    /// A command line whose first word is the program.
    ///
    /// # Errors
    /// When a word holds a zero byte, or there is none.
    pub(crate) fn new(
        command_line: Vec<OsString>,
        environment: Vec<(OsString, OsString)>,
        directory: &Path,
        standard: [OwnedFd; 3],
        isolation: Isolation,
    ) -> io::Result<Self> {
        let program = command_line.first().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let candidates = candidates(program, lookup(&environment, "PATH"))?;
        let pair = |(name, value): (OsString, OsString)| {
            let mut pair = name;
            // At once, so that no smaller copy of the value is left behind.
            pair.reserve_exact(value.len() + 2);
            pair.push("=");
            pair.push(&value);
            value.into_vec().zeroize();
            text(pair)
        };
        Ok(Self {
            candidates,
            arguments: command_line.into_iter().map(text).collect::<io::Result<_>>()?,
            environment: environment.into_iter().map(pair).collect::<io::Result<_>>()?,
            directory: text(directory.as_os_str().to_owned())?,
            standard,
            isolation,
        })
    }

    /// Starts the program; its process id. It is a child that must be waited for.
    ///
    /// # Errors
    /// When no process can be made, or the program cannot be executed in it.
    pub(crate) fn start(&self) -> io::Result<u32> {
        let pointers = |words: &[CString]| words.iter().map(|word| word.as_ptr()).collect::<Vec<_>>();
        let ended = |mut words: Vec<*const c_char>| {
            words.push(ptr::null());
            words
        };
        let mut shell = vec![c"/bin/sh".as_ptr(), ptr::null()];
        shell.extend(pointers(self.arguments.get(1..).unwrap_or_default()));
        let mut plan = Plan {
            execution: self,
            arguments: ended(pointers(&self.arguments)),
            shell: ended(shell),
            environment: ended(pointers(&self.environment)),
            error: 0,
        };
        let pid = clone(&mut plan)?;
        if plan.error != 0 {
            waitpid(pid, None)?;
            return Err(io::Error::from_raw_os_error(plan.error));
        }
        self.isolation.adjust_oom_score(pid);
        Ok(pid.as_raw().unsigned_abs())
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.environment.drain(..).for_each(|pair| pair.into_bytes().zeroize());
    }
}

/// The files that execvp(3) would try.
fn candidates(program: &OsStr, path: Option<&OsStr>) -> io::Result<Vec<CString>> {
    if program.as_bytes().contains(&b'/') {
        return Ok(vec![text(program.to_owned())?]);
    }
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH)).as_bytes();
    let join = |directory: &[u8]| text(Path::new(OsStr::from_bytes(directory)).join(program).into_os_string());
    path.split(|byte| *byte == b':').map(join).collect()
}

fn text(word: OsString) -> io::Result<CString> {
    CString::new(word.into_vec()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// Makes the child and returns when it has executed the program or failed to.
#[expect(unsafe_code, reason = "a child that shares memory has no safe interface")]
fn clone(plan: &mut Plan<'_>) -> io::Result<Pid> {
    let mut stack = vec![0_u128; STACK / size_of::<u128>()];
    // No handler of ours may run in the child, which would change what the supervisor remembers.
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // SAFETY: this thread does not run on before the child is done with `plan` and `stack`, both of which outlive the
    // call; the stack grows downwards from its aligned end. The child makes system calls only, allocates nothing, and
    // writes nothing but its stack and `plan`.
    let pid = unsafe {
        libc::clone(
            become_program,
            stack.as_mut_ptr_range().end.cast::<c_void>(),
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            ptr::from_mut(plan).cast::<c_void>(),
        )
    };
    // Read before anything else may change it.
    let error = io::Error::last_os_error();
    mask.thread_set_mask()?;
    if pid < 0 { Err(error) } else { Ok(Pid::from_raw(pid)) }
}

/// The child: returns, and thereby ends, only when the program cannot be executed.
#[expect(unsafe_code, reason = "what is shared comes as a bare pointer")]
extern "C" fn become_program(plan: *mut c_void) -> c_int {
    // SAFETY: it is the `plan` of `clone`, which nobody else touches meanwhile.
    let plan = unsafe { &mut *plan.cast::<Plan<'_>>() };
    plan.error = match prepare(plan.execution) {
        Ok(()) => execute(plan),
        Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
    };
    127
}

/// What a child must be before it becomes the program.
#[expect(unsafe_code, reason = "the standard descriptors are replaced by number")]
fn prepare(execution: &Execution) -> io::Result<()> {
    execution.isolation.enter()?;
    // SAFETY: the text outlives the call.
    if unsafe { libc::chdir(execution.directory.as_ptr()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    for (number, descriptor) in (0..).zip(&execution.standard) {
        // SAFETY: both numbers are those of open descriptors; the table of descriptors is the child's own.
        if unsafe { libc::dup2(descriptor.as_raw_fd(), number) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    close_on_exec();
    Ok(())
}

/// Why no candidate could be executed, as execvp(3) would tell it.
#[expect(unsafe_code, reason = "execve(2) takes bare pointers")]
fn execute(plan: &mut Plan<'_>) -> c_int {
    let mut error = libc::ENOENT;
    for candidate in &plan.execution.candidates {
        // SAFETY: every list ends with a null pointer, and every text outlives the call.
        unsafe { libc::execve(candidate.as_ptr(), plan.arguments.as_ptr(), plan.environment.as_ptr()) };
        let mut failed = last_error();
        if failed == libc::ENOEXEC {
            plan.shell[1] = candidate.as_ptr();
            // SAFETY: as above.
            unsafe { libc::execve(c"/bin/sh".as_ptr(), plan.shell.as_ptr(), plan.environment.as_ptr()) };
            failed = last_error();
        }
        match failed {
            // The next place may have it.
            libc::ENOENT | libc::ENOTDIR => {}
            libc::EACCES => error = failed,
            _ => return failed,
        }
    }
    error
}

fn last_error() -> c_int {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use nix::sys::wait::WaitStatus;

    use super::*;

    /// What a command line printed, and its exit code.
    fn run(words: &[&str], path: &str, directory: &Path) -> io::Result<(String, i32)> {
        let (mut reader, writer) = io::pipe()?;
        let standard = [File::open("/dev/null")?.into(), writer.into(), File::open("/dev/null")?.into()];
        let isolation = Isolation { mark: None, oom_score_adjust: 0, core: false, control_group: None };
        let words = words.iter().map(OsString::from).collect();
        let environment = vec![("PATH".into(), path.into()), ("GREETING".into(), "hello".into())];
        let execution = Execution::new(words, environment, directory, standard, isolation)?;
        let pid = execution.start()?;
        drop(execution);
        let mut printed = String::new();
        reader.read_to_string(&mut printed)?;
        match waitpid(Pid::from_raw(i32::try_from(pid).unwrap()), None)? {
            WaitStatus::Exited(_, code) => Ok((printed, code)),
            status => panic!("{status:?}"),
        }
    }

    fn program(directory: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        std::fs::create_dir_all(directory).unwrap();
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_program_gets_its_words_its_environment_its_directory_and_nothing_else() {
        let script = "echo $# $1 $GREETING $(pwd) $(umask) $(ls /proc/self/fd | wc -l); exit 7";
        let directory = std::fs::canonicalize(std::env::temp_dir()).unwrap();
        let (printed, code) = run(&["sh", "-c", script, "sh", "a b", "c"], "/usr/bin:/bin", &directory).unwrap();
        // `ls` has its standard three, and the directory that it lists.
        assert_eq!((printed.as_str(), code), (format!("2 a b hello {} 0077 4\n", directory.display()).as_str(), 7));
    }

    #[test]
    fn a_program_is_looked_for_as_a_shell_does_it_and_told_why_it_is_not_found() {
        let directory = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
        program(&first, "only-read", "#!/bin/sh\n", 0o600);
        program(&second, "greet", "#!/bin/sh\necho $0 $1", 0o700);
        program(&second, "bare", "echo bare $1", 0o700);
        let path = format!("{}:{}", first.display(), second.display());
        let run = |words: &[&str]| run(words, &path, directory.path());
        assert_eq!(run(&["greet", "x"]).unwrap().0, format!("{} x\n", second.join("greet").display()));
        assert_eq!(run(&["bare", "x"]).unwrap().0, "bare x\n", "a script without #! is read by the shell");
        assert_eq!(run(&["second/greet", "x"]).unwrap().0, "second/greet x\n");
        let kind = |words: &[&str]| run(words).unwrap_err().kind();
        assert_eq!(kind(&["absent"]), io::ErrorKind::NotFound);
        assert_eq!(kind(&["first/only-read"]), io::ErrorKind::PermissionDenied);
        assert_eq!(kind(&["only-read"]), io::ErrorKind::PermissionDenied);
        assert_eq!(kind(&["a\0b"]), io::ErrorKind::InvalidInput);
    }

    /// As a shell or a test runner may have left it.
    #[expect(unsafe_code, reason = "no safe interface knows real-time signals")]
    fn ignore_a_real_time_signal() {
        // SAFETY: nobody in this process uses the signal, and ignoring it runs no handler.
        assert_ne!(unsafe { nix::libc::signal(40, nix::libc::SIG_IGN) }, nix::libc::SIG_ERR);
    }

    #[test]
    fn a_program_neither_ignores_nor_blocks_a_signal_whatever_the_supervisor_does() {
        ignore_a_real_time_signal();
        // Every Rust program ignores SIGPIPE, and every signal is blocked while a child is made.
        let own = std::fs::read_to_string("/proc/self/status").unwrap();
        assert!(own.lines().any(|line| line.starts_with("SigIgn:") && !line.ends_with(&"0".repeat(16))), "{own}");
        let script = "grep -E '^Sig(Blk|Ign):' /proc/self/status";
        let (printed, code) = run(&["sh", "-c", script], "/usr/bin:/bin", Path::new("/")).unwrap();
        let masks = printed.lines().map(|line| u64::from_str_radix(line.split_once('\t').unwrap().1, 16).unwrap());
        assert_eq!((masks.collect::<Vec<_>>(), code), (vec![0, 0], 0), "{printed}");
    }

    #[test]
    fn the_supervisor_keeps_its_own_directory_mask_session_and_signals() {
        let look = || {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            let lines =
                |key: &str| status.lines().filter(|line| line.starts_with(key)).map(str::to_owned).collect::<Vec<_>>();
            let session = nix::unistd::getsid(None).unwrap();
            // How many signals are queued for all processes of the user is no property of this one.
            let signals: Vec<String> = lines("Sig").into_iter().filter(|line| !line.starts_with("SigQ:")).collect();
            (std::env::current_dir().unwrap(), signals, lines("Umask"), session)
        };
        ignore_a_real_time_signal();
        let before = look();
        run(&["true"], "/usr/bin:/bin", Path::new("/")).unwrap();
        assert_eq!(run(&["absent"], "/usr/bin:/bin", Path::new("/")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(look(), before);
    }
}
