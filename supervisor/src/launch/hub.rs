//! The hub: its listening socket is bound and held here, so that a restart refuses no connection.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use anet_protocol::control::StartHub;
use anet_protocol::variables;
use secrecy::SecretString;

use crate::environment::allowed;
use crate::launch::{Launch, LaunchError, Told};
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
    /// stdin, in blocking mode, and both share that mode. Of a hub that was taken over it is taken back;
    /// absent where the kernel refuses that, until its first restart.
    pub(crate) listener: Option<TcpListener>,
}

pub(crate) fn log_directory(paths: &Paths) -> PathBuf {
    paths.server.join("logs")
}

impl HubProgram {
    /// The values of its secret settings.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        let variables = self.settings.iter().flat_map(|settings| &settings.variables.0);
        let is_secret = |name: &str| variables::find(name).is_none_or(|variable| variable.is_secret);
        variables.filter(|(name, _)| is_secret(name)).map(|(_, value)| SecretString::from(value.as_str())).collect()
    }

    /// What is not as asked for, a sentence each; port 0 asks for any port.
    pub(crate) fn differences(&self, asked: &StartHub) -> Vec<String> {
        let Some(now) = &self.settings else { return vec!["it was never started".to_owned()] };
        let mut differences = Vec::new();
        let is_same_port = asked.listen.port() == 0 || asked.listen.port() == now.listen.port();
        if now.listen.ip() != asked.listen.ip() || !is_same_port {
            differences.push(format!("it listens on {}, asked for was {}", now.listen, asked.listen));
        }
        if now.database != asked.database {
            let (now, asked) = (now.database.display(), asked.database.display());
            differences.push(format!("its database is {now}, asked for was {asked}"));
        }
        differences.extend(now.variables.differences(&asked.variables));
        differences
    }

    /// Takes new settings and binds the port, so that a taken one is told before anything changed.
    ///
    /// # Errors
    /// [`LaunchError::PortTaken`] names the owner.
    pub(crate) fn configure(&mut self, asked: StartHub) -> Result<(), LaunchError> {
        if self.listener.is_some() && self.differences(&asked).is_empty() {
            return Ok(());
        }
        // First, because the new address may be the one that is held.
        self.listener = None;
        let (listener, listen) = bind(asked.listen)?;
        self.listener = Some(listener);
        self.settings =
            Some(HubSettings { listen, database: asked.database, variables: asked.variables, had_database: false });
        Ok(())
    }

    /// Refuses to begin with an empty database where the hub has had one: its file was moved or removed, or its file
    /// system is not mounted. A person who starts the hub decides otherwise.
    ///
    /// # Errors
    /// [`LaunchError::Config`] names the file.
    pub(crate) fn check_database(&self) -> Result<(), LaunchError> {
        let Some(HubSettings { database, had_database: true, .. }) = &self.settings else { return Ok(()) };
        if database.exists() {
            return Ok(());
        }
        Err(LaunchError::Config {
            error: format!("its database {} is gone; a new start would begin with an empty one", database.display()),
            hint: Some("put the file back, then: anet hub start".to_owned()),
        })
    }

    /// Holds the socket on which a hub that was taken over listens, so that its restart refuses no connection (R36).
    pub(crate) fn hold(&mut self, socket: TcpListener) {
        let listen = self.settings.as_ref().map(|settings| settings.listen);
        // The descriptor may be anything; only a TCP socket has such an address.
        if self.listener.is_none() && socket.local_addr().is_ok_and(|address| Some(address) == listen) {
            self.listener = Some(socket);
        }
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
        let stdin = Some(listener.try_clone().map_err(passing)?.into());
        let log_directory = log_directory(&context.paths);
        for directory in [&context.paths.server, &log_directory] {
            ensure_private_directory(directory).map_err(passing)?;
        }
        let mut command_line = context.settings.launcher.hub.clone();
        command_line.extend(["--listen-on-stdin".into(), "--database".into(), settings.database.into()]);
        command_line.extend(["--log-dir".into(), log_directory.clone().into()]);
        let directory = context.paths.server.clone();
        let mut environment = allowed(&context.settings.environment);
        environment.extend(settings.variables.0.into_iter().map(|(name, value)| (name.into(), value.into())));
        let told = Told { configuration: String::new(), hub: None, port: None, ready: true };
        Ok(Launch { command_line, environment, directory, log_directory, stdin, told })
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
    use anet_protocol::control::HubVariables;

    use super::*;

    fn asked(listen: &str) -> StartHub {
        StartHub { listen: listen.parse().unwrap(), database: "/db".into(), variables: HubVariables::default() }
    }

    #[test]
    fn a_port_given_by_the_kernel_is_kept_and_counts_as_the_one_asked_for() {
        let mut hub = HubProgram::default();
        hub.configure(asked("127.0.0.1:0")).unwrap();
        let port = hub.settings.as_ref().unwrap().listen.port();
        assert_ne!(port, 0);
        let differences = |listen: &str| hub.differences(&asked(listen));
        assert_eq!(differences("127.0.0.1:0"), [""; 0]);
        assert_eq!(differences(&format!("127.0.0.1:{port}")), [""; 0]);
        assert_eq!(differences("127.0.0.1:1"), [format!("it listens on 127.0.0.1:{port}, asked for was 127.0.0.1:1")]);
        assert_eq!(differences("0.0.0.0:0").len(), 1);
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
