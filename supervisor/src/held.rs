//! What makes a process the supervisor of a home: the lock and the sockets. They outlive an upgrade.

use std::net::TcpListener;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::SupervisorError;
use crate::inherited::{Inherited, Legacy};
use crate::instance_lock::InstanceLock;
use crate::local_socket;
use crate::notify_socket;
use crate::paths::{Paths, ensure_private_directory};
use crate::secret_descriptor::SecretDescriptor;
use crate::settings::Settings;

const BIND: &str = "bind the socket";

/// Held from the first to the last moment of a supervisor.
#[derive(Debug)]
pub(crate) struct Held {
    lock: InstanceLock,
    pub(crate) control: UnixListener,
    control_is_managed: bool,
    pub(crate) notify: UnixDatagram,
    pub(crate) credentials: UnixListener,
    /// The hub's listening socket, between two programs in this process.
    pub(crate) hub: Mutex<Option<TcpListener>>,
}

impl Held {
    /// Takes the lock, then the sockets: those that were left open for this process, else new ones.
    ///
    /// # Errors
    /// [`SupervisorError::AlreadyRunning`] when another one serves the home; otherwise when a file or
    /// socket of its own cannot be used.
    pub(crate) fn acquire(settings: &Settings, paths: &Paths) -> Result<Self, SupervisorError> {
        for directory in [&paths.home, &paths.run, &paths.state_directory] {
            ensure_private_directory(directory).map_err(SupervisorError::file("make private", directory))?;
        }
        let mut inherited = Inherited::take(&settings.environment).map_err(SupervisorError::Inherited)?;
        let lock = InstanceLock::acquire(&paths.lock, inherited.lock.take())?;
        let notify =
            match inherited.notify.take().filter(|socket| is_bound_to(socket.local_addr(), &paths.notify_socket)) {
                Some(socket) => socket,
                None => notify_socket::bind(&paths.notify_socket)
                    .map_err(SupervisorError::file(BIND, &paths.notify_socket))?,
            };
        let control = inherited.control.take().filter(|socket| is_bound_to(socket.local_addr(), &paths.control_socket));
        let control_is_managed = control.is_some() && inherited.control_is_managed;
        let control = match control {
            Some(socket) => socket,
            None => {
                local_socket::bind(&paths.control_socket).map_err(SupervisorError::file(BIND, &paths.control_socket))?
            }
        };
        let path = &paths.credential_socket;
        let credentials = match inherited.credentials.take().filter(|socket| is_bound_to(socket.local_addr(), path)) {
            Some(socket) => socket,
            None => local_socket::bind(path).map_err(SupervisorError::file(BIND, path))?,
        };
        settings.failpoint.pass("sockets bound");
        Ok(Self { lock, control, control_is_managed, notify, credentials, hub: Mutex::new(inherited.hub) })
    }

    /// What the next program in this process needs; `hub` is the hub's listening socket.
    pub(crate) fn legacy<'held>(
        &'held self,
        hub: Option<&'held TcpListener>,
        secrets: Option<&'held SecretDescriptor>,
    ) -> Legacy<'held> {
        Legacy {
            lock: self.lock.as_fd(),
            control: self.control.as_fd(),
            control_is_managed: self.control_is_managed,
            notify: self.notify.as_fd(),
            credentials: self.credentials.as_fd(),
            hub: hub.map(TcpListener::as_fd),
            secrets: secrets.map(SecretDescriptor::as_fd),
        }
    }

    /// The hub's listening socket, to be held by whoever looks after the hub.
    pub(crate) fn take_hub(&self) -> Option<TcpListener> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Removes the sockets' files, except the one that the service manager goes on listening on.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub(crate) fn leave(self, paths: &Paths) -> Result<(), SupervisorError> {
        let control = Some(&paths.control_socket).filter(|_| !self.control_is_managed);
        for socket in control.into_iter().chain([&paths.notify_socket, &paths.credential_socket]) {
            local_socket::remove_stale(socket).map_err(SupervisorError::file("remove", socket))?;
        }
        tracing::debug!(lock = self.lock.as_fd().as_raw_fd(), "the lock is given back");
        Ok(())
    }
}

/// Whether a passed socket is the one of this home, under whichever spelling.
fn is_bound_to(address: std::io::Result<std::os::unix::net::SocketAddr>, path: &Path) -> bool {
    let real =
        |path: &Path| -> Option<PathBuf> { Some(std::fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?)) };
    address.ok().and_then(|address| real(address.as_pathname()?)) == real(path)
}
