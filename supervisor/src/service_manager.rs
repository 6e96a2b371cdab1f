//! What the supervisor tells the service manager that started it (`sd_notify(3)`), systemd above all.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::environment::lookup;

/// The service manager, or nobody.
#[derive(Debug)]
pub(crate) struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants a sign of life.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that the environment names.
    ///
    /// # Errors
    /// When `NOTIFY_SOCKET` is no socket's name, or the kernel gives no socket.
    pub(crate) fn of(environment: &[(OsString, OsString)]) -> io::Result<Self> {
        let Some(name) = lookup(environment, "NOTIFY_SOCKET") else { return Ok(Self { socket: None, watchdog: None }) };
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        // A service manager that does not read must not stop the supervisor.
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Some((socket, address)), watchdog: watchdog(environment, std::process::id()) })
    }

    /// Clients are answered.
    pub(crate) fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nMAINPID={}\nSTATUS={status}\n", std::process::id()));
    }

    /// The settings are being read again; [`Self::ready`] follows.
    pub(crate) fn reloading(&self) {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\nSTATUS=reading the settings again\n"));
    }

    /// It is on its way out.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=leaving\n");
    }

    /// Gives signs of life for ever, twice as often as asked for; they end with the event loop that this runs on.
    pub(crate) async fn live(&self) {
        let Some(interval) = self.watchdog else { return std::future::pending().await };
        let mut tick = tokio::time::interval(interval / 2);
        loop {
            tick.tick().await;
            self.send("WATCHDOG=1\n");
        }
    }

    fn send(&self, text: &str) {
        let Some((socket, address)) = &self.socket else { return };
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            tracing::warn!(%error, "the service manager did not take a notification");
        }
    }
}

/// `WATCHDOG_USEC`, if it is meant for this process (sd_watchdog_enabled(3)).
fn watchdog(environment: &[(OsString, OsString)], pid: u32) -> Option<Duration> {
    let number = |name: &str| lookup(environment, name)?.to_str()?.parse::<u64>().ok();
    let is_ours = lookup(environment, "WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(u64::from(pid));
    number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 1).map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn the_watchdog_of_another_process_is_not_ours() {
        let of = |pairs: &[(&str, &str)]| watchdog(&environment(pairs), 7);
        assert_eq!(of(&[("WATCHDOG_USEC", "30000000")]), Some(Duration::from_secs(30)));
        assert_eq!(of(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "7")]), Some(Duration::from_secs(30)));
        assert_eq!(of(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "8")]), None);
        assert_eq!(of(&[("WATCHDOG_USEC", "0")]), None);
        assert_eq!(of(&[]), None);
    }

    #[tokio::test]
    async fn a_socket_in_the_abstract_namespace_is_spoken_to_as_well_as_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("notify");
        let unique = format!("anet-test-{}-{}", std::process::id(), directory.path().display());
        let abstract_name = SocketAddr::from_abstract_name(unique.as_bytes()).unwrap();
        for (receiver, name) in [
            (UnixDatagram::bind(&file).unwrap(), file.to_str().unwrap().to_owned()),
            (UnixDatagram::bind_addr(&abstract_name).unwrap(), format!("@{unique}")),
        ] {
            let manager =
                ServiceManager::of(&environment(&[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "20000")])).unwrap();
            let mut buffer = [0; 256];
            let mut hear = || {
                let length = receiver.recv(&mut buffer).unwrap();
                String::from_utf8(buffer[..length].to_vec()).unwrap()
            };
            manager.ready("looks after 2");
            assert_eq!(hear(), format!("READY=1\nMAINPID={}\nSTATUS=looks after 2\n", std::process::id()));
            manager.reloading();
            let text = hear();
            let micros = text.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
            assert!(text.starts_with("RELOADING=1\n") && micros.parse::<u64>().unwrap() > 0, "{text}");
            tokio::time::timeout(Duration::from_millis(100), manager.live()).await.unwrap_err();
            assert_eq!(hear(), "WATCHDOG=1\n");
        }
    }

    #[test]
    fn without_a_service_manager_nothing_is_told_and_nothing_fails() {
        ServiceManager::of(&environment(&[])).unwrap().ready("");
    }
}
