//! Descriptors that are open when the program begins: left by the program that was here before, in an
//! upgrade, or passed by systemd (sd_listen_fds(3)).

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::{UnixDatagram, UnixListener};

use rustix::io::{FdFlags, fcntl_setfd};

use crate::environment::lookup;

/// Names what a program leaves for the next one in the same process: `<pid> <name>=<number> …`.
pub(crate) const VARIABLE: &str = "ANET_SUPERVISOR_INHERIT";
/// What systemd sets; not for the next program.
pub(crate) const LISTEN_VARIABLES: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

const LOCK: &str = "lock";
const CONTROL: &str = "control";
/// The control socket that systemd bound and will bind again.
const MANAGED_CONTROL: &str = "managed-control";
const NOTIFY: &str = "notify";
const CREDENTIALS: &str = "credentials";
const HUB: &str = "hub";

/// sd_listen_fds(3): `SD_LISTEN_FDS_START`.
const FIRST_LISTENER: RawFd = 3;
/// More is nobody's intention.
const MOST_LISTENERS: RawFd = 16;

/// What was found open.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    pub(crate) lock: Option<OwnedFd>,
    pub(crate) control: Option<UnixListener>,
    /// The socket's file belongs to the service manager and must not be removed.
    pub(crate) control_is_managed: bool,
    pub(crate) notify: Option<UnixDatagram>,
    pub(crate) credentials: Option<UnixListener>,
    /// The hub's listening socket.
    pub(crate) hub: Option<TcpListener>,
}

impl Inherited {
    /// Takes what the environment names for this very process, once in its life.
    ///
    /// # Errors
    /// When a named descriptor is not open.
    pub(crate) fn take(environment: &[(OsString, OsString)]) -> io::Result<Self> {
        let mut inherited = Self::default();
        for (name, number) in named(environment, std::process::id()) {
            let descriptor = own(number)?;
            match name.as_str() {
                LOCK => inherited.lock = Some(descriptor),
                CONTROL | MANAGED_CONTROL => {
                    inherited.control = Some(descriptor.into());
                    inherited.control_is_managed = name == MANAGED_CONTROL;
                }
                NOTIFY => inherited.notify = Some(descriptor.into()),
                CREDENTIALS => inherited.credentials = Some(descriptor.into()),
                HUB => inherited.hub = Some(descriptor.into()),
                // Of a version that knows more; closed here.
                _ => tracing::warn!(name, "an inherited descriptor of unknown use was closed"),
            }
        }
        Ok(inherited)
    }
}

/// What a program leaves open for the next one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Legacy<'fd> {
    pub(crate) lock: BorrowedFd<'fd>,
    pub(crate) control: BorrowedFd<'fd>,
    pub(crate) control_is_managed: bool,
    pub(crate) notify: BorrowedFd<'fd>,
    pub(crate) credentials: BorrowedFd<'fd>,
    pub(crate) hub: Option<BorrowedFd<'fd>>,
    /// The next program is told its number by its arguments.
    pub(crate) secrets: Option<BorrowedFd<'fd>>,
}

impl Legacy<'_> {
    /// Keeps the descriptors open over the next exec, or closes them again if it failed.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn keep_over_exec(&self, keep: bool) -> io::Result<()> {
        let flags = if keep { FdFlags::empty() } else { FdFlags::CLOEXEC };
        let named = self.entries().into_iter().map(|(_, descriptor)| descriptor);
        named.chain(self.secrets).try_for_each(|descriptor| Ok(fcntl_setfd(descriptor, flags)?))
    }

    /// The value of [`VARIABLE`].
    pub(crate) fn encode(&self) -> String {
        let mut text = std::process::id().to_string();
        for (name, descriptor) in self.entries() {
            // Writing to a String cannot fail.
            write!(text, " {name}={}", descriptor.as_raw_fd()).unwrap_or_default();
        }
        text
    }

    fn entries(&self) -> Vec<(&'static str, BorrowedFd<'_>)> {
        let control = if self.control_is_managed { MANAGED_CONTROL } else { CONTROL };
        let always =
            [(LOCK, self.lock), (control, self.control), (NOTIFY, self.notify), (CREDENTIALS, self.credentials)];
        always.into_iter().chain(self.hub.map(|hub| (HUB, hub))).collect()
    }
}

/// Names and numbers meant for the process `pid`; those of another process say nothing here.
fn named(environment: &[(OsString, OsString)], pid: u32) -> Vec<(String, RawFd)> {
    let text = |name: &str| lookup(environment, name).and_then(|value| value.to_str());
    let is_ours = |of: &str| of.parse() == Ok(pid);
    if let Some((of, entries)) = text(VARIABLE).and_then(|value| value.split_once(' '))
        && is_ours(of)
    {
        let entries = entries.split(' ').filter_map(|entry| entry.split_once('='));
        return distinct(entries.filter_map(|(name, number)| Some((name.to_owned(), number.parse().ok()?))));
    }
    let count: RawFd = text("LISTEN_FDS").and_then(|count| count.parse().ok()).unwrap_or_default();
    if !text("LISTEN_PID").is_some_and(is_ours) {
        return Vec::new();
    }
    let names: Vec<&str> = text("LISTEN_FDNAMES").unwrap_or_default().split(':').collect();
    distinct((0..count.clamp(0, MOST_LISTENERS)).map(|index| {
        let name = usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default();
        // A unit without FileDescriptorName= names its socket after itself; the only one is the control socket.
        let is_control = count == 1 || name == CONTROL;
        (if is_control { MANAGED_CONTROL } else { name }.to_owned(), FIRST_LISTENER + index)
    }))
}

/// Each number once, and none of the standard three.
fn distinct(entries: impl Iterator<Item = (String, RawFd)>) -> Vec<(String, RawFd)> {
    let mut taken = Vec::new();
    for (name, number) in entries {
        if number >= FIRST_LISTENER && taken.iter().all(|(_, known)| *known != number) {
            taken.push((name, number));
        }
    }
    taken
}

/// Takes a number that was open before this program began.
#[expect(unsafe_code, reason = "the kernel passes descriptors over exec as bare numbers")]
fn own(number: RawFd) -> io::Result<OwnedFd> {
    if !std::path::Path::new(&format!("/proc/self/fd/{number}")).try_exists().unwrap_or(true) {
        return Err(io::Error::other(format!("descriptor {number} was announced and is not open")));
    }
    // SAFETY: the number was announced for this process by the program before it or by systemd, and
    // `named` gives each number once, so nothing else in this program owns it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
    Ok(descriptor)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn names(pairs: &[(&str, &str)]) -> Vec<(String, RawFd)> {
        named(&environment(pairs), 7)
    }

    #[test]
    fn what_is_meant_for_another_process_is_not_taken() {
        assert_eq!(names(&[]), []);
        assert_eq!(names(&[(VARIABLE, "8 lock=5")]), []);
        assert_eq!(names(&[("LISTEN_FDS", "1"), ("LISTEN_PID", "8")]), []);
        assert_eq!(names(&[("LISTEN_FDS", "1")]), []);
    }

    #[test]
    fn the_only_socket_of_a_service_manager_is_the_control_socket_and_stays_its_own() {
        let expected = [(MANAGED_CONTROL.to_owned(), 3)];
        assert_eq!(names(&[("LISTEN_FDS", "1"), ("LISTEN_PID", "7")]), expected);
        assert_eq!(names(&[("LISTEN_FDS", "1"), ("LISTEN_PID", "7"), ("LISTEN_FDNAMES", "anet.socket")]), expected);
        let two = [("LISTEN_FDS", "2"), ("LISTEN_PID", "7"), ("LISTEN_FDNAMES", "hub:control")];
        assert_eq!(names(&two), [("hub".to_owned(), 3), (MANAGED_CONTROL.to_owned(), 4)]);
    }

    #[test]
    fn nonsense_is_no_descriptor() {
        assert_eq!(names(&[(VARIABLE, "7 lock=2 control=x notify hub=-1 a=9 b=9")]), [("a".to_owned(), 9)]);
        assert_eq!(names(&[("LISTEN_FDS", "-1"), ("LISTEN_PID", "7")]), []);
        assert_eq!(names(&[("LISTEN_FDS", "99999"), ("LISTEN_PID", "7")]).len(), 16);
        assert!(own(999).unwrap_err().to_string().contains("descriptor 999"));
    }

    #[test]
    fn what_one_program_leaves_the_next_one_finds() {
        let file = tempfile::tempfile().unwrap();
        let fd = file.as_fd();
        let legacy = Legacy {
            lock: fd,
            control: fd,
            control_is_managed: true,
            notify: fd,
            credentials: fd,
            hub: None,
            secrets: None,
        };
        let value = legacy.encode();
        let found = named(&environment(&[(VARIABLE, &value)]), std::process::id());
        assert_eq!(found, [(LOCK.to_owned(), fd.as_raw_fd())], "one number, taken once");
        assert!(value.contains(" managed-control=") && value.contains(" notify="), "{value}");
    }
}
