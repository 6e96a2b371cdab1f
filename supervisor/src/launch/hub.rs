//! The hub: its listening socket is bound and held here, so that a restart refuses no connection.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;

use anet_protocol::control::StartHub;

use crate::environment::allowed;
use crate::launch::{Launch, LaunchError};
use crate::paths::{Paths, ensure_private_directory};
use crate::port_owner::describe_owner;
use crate::process::Context;
use crate::state_file::HubSettings;

/// The hub and its socket.
#[derive(Debug, Default)]
pub(crate) struct HubProgram {
    /// The settings of the last start; the port is the one that the kernel gave.
    pub(crate) settings: Option<HubSettings>,
    /// Held while the hub is wanted. Nobody accepts from it here; the child gets a duplicate as its
    /// stdin, in blocking mode, and both share that mode. Absent for a hub that was taken over from
    /// an earlier supervisor, until its first restart.
    pub(crate) listener: Option<TcpListener>,
}

pub(crate) fn log_directory(paths: &Paths) -> PathBuf {
    paths.server.join("logs")
}

impl HubProgram {
    /// Whether a request asks for the hub as it is; port 0 asks for any port.
    pub(crate) fn is_as_asked(&self, asked: &StartHub) -> bool {
        self.settings.as_ref().is_some_and(|settings| {
            settings.listen.ip() == asked.listen.ip()
                && (asked.listen.port() == 0 || asked.listen.port() == settings.listen.port())
                && settings.database == asked.database
        })
    }

    /// Takes new settings and binds the port, so that a taken one is told before anything changed.
    ///
    /// # Errors
    /// [`LaunchError::PortTaken`] names the owner.
    pub(crate) fn configure(&mut self, asked: StartHub) -> Result<(), LaunchError> {
        if self.listener.is_some() && self.is_as_asked(&asked) {
            return Ok(());
        }
        // First, because the new address may be the one that is held.
        self.listener = None;
        let (listener, listen) = bind(asked.listen)?;
        self.listener = Some(listener);
        self.settings = Some(HubSettings { listen, database: asked.database });
        Ok(())
    }

    pub(crate) fn prepare(&mut self, context: &Context) -> Result<Launch, LaunchError> {
        let passing = |error: io::Error| LaunchError::Passing(format!("cannot prepare the hub: {error}"));
        let settings = self.settings.clone().ok_or_else(|| LaunchError::Config {
            error: "the hub was never started, so there are no settings to start it with".to_owned(),
            hint: Some("anet hub start".to_owned()),
        })?;
        let listener = match &self.listener {
            Some(listener) => listener,
            None => self.listener.insert(bind(settings.listen)?.0),
        };
        let stdin = Stdio::from(OwnedFd::from(listener.try_clone().map_err(passing)?));
        let log_directory = log_directory(&context.paths);
        for directory in [&context.paths.server, &log_directory] {
            ensure_private_directory(directory).map_err(passing)?;
        }
        let mut command_line = context.settings.launcher.hub.clone();
        command_line.extend(["--listen-on-stdin".into(), "--database".into(), settings.database.into()]);
        command_line.extend(["--log-dir".into(), log_directory.clone().into()]);
        let directory = context.paths.server.clone();
        Ok(Launch {
            command_line,
            environment: allowed(&context.settings.environment),
            directory,
            log_directory,
            stdin,
        })
    }
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), LaunchError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        let actual = listener.local_addr()?;
        Ok((listener, actual))
    });
    bound.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            LaunchError::PortTaken { error: format!("port {} is taken by {}", address.port(), describe_owner(address)) }
        }
        _ => LaunchError::Config { error: format!("cannot listen on {address}: {error}"), hint: None },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(listen: &str) -> StartHub {
        StartHub { listen: listen.parse().unwrap(), database: "/db".into() }
    }

    #[test]
    fn a_port_given_by_the_kernel_is_kept_and_counts_as_the_one_asked_for() {
        let mut hub = HubProgram::default();
        hub.configure(asked("127.0.0.1:0")).unwrap();
        let port = hub.settings.as_ref().unwrap().listen.port();
        assert_ne!(port, 0);
        assert!(hub.is_as_asked(&asked("127.0.0.1:0")) && hub.is_as_asked(&asked(&format!("127.0.0.1:{port}"))));
        assert!(!hub.is_as_asked(&asked("127.0.0.1:1")) && !hub.is_as_asked(&asked("0.0.0.0:0")));
        hub.configure(asked(&format!("127.0.0.1:{port}"))).unwrap();
        assert_eq!(hub.settings.unwrap().listen.port(), port);
    }

    #[test]
    fn a_taken_port_names_its_owner() {
        let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = stranger.local_addr().unwrap();
        let error = HubProgram::default().configure(asked(&address.to_string())).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, LaunchError::PortTaken { .. }));
        assert!(text.contains(&format!("(process {})", std::process::id())), "{text}");
    }
}
