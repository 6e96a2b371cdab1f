//! A program that is kept alive without being a node (`anet run`): its `config.json` has the members
//! `command`, `directory`, `port`, `tells_ready` and `env`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anet_protocol::node_config::NodeConfig;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use crate::dot_env;
use crate::launch::node::comparable;
use crate::launch::node_environment::node_environment;
use crate::launch::{Launch, LaunchError, NodeProgram, Told};
use crate::paths::ensure_private_directory;
use crate::policy::Policy;
use crate::port_owner::describe_owner;
use crate::process::Context;

/// What a table of nodes shows in place of a runtime.
pub(super) const RUNTIME: &str = "program";

/// Whether it sends `READY=1`; one that does not counts as running once it was executed, and is shown so.
pub(super) fn tells_ready(config: &NodeConfig) -> bool {
    config.fields().get("tells_ready").and_then(Value::as_bool).unwrap_or(false)
}

fn wrong(program: &NodeProgram, error: &str) -> LaunchError {
    let path = program.config_path();
    LaunchError::Config {
        error: format!("{}: {error}", path.display()),
        hint: Some(format!("edit {}", path.display())),
    }
}

/// The port that it says it listens on.
pub(super) fn port(program: &NodeProgram, config: &NodeConfig) -> Result<Option<u16>, LaunchError> {
    let Some(port) = config.fields().get("port").filter(|port| !port.is_null()) else { return Ok(None) };
    let port = port.as_u64().and_then(|port| u16::try_from(port).ok());
    port.map(Some).ok_or_else(|| wrong(program, "`port` must be a number up to 65535"))
}

/// How it is to be kept, as far as it says so itself: the keys of a section of `supervisor.toml`.
pub(super) fn policy_keys(program: &NodeProgram, config: &NodeConfig) -> Result<Map<String, Value>, LaunchError> {
    match config.fields().get("policy") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(keys)) => Ok(keys.clone()),
        Some(_) => Err(wrong(program, "`policy` must be an object")),
    }
}

/// What its start needs: the program itself, without a shell (R21), and every value of its `.env`.
pub(super) fn prepare(program: &NodeProgram, config: NodeConfig, context: &Context) -> Result<Launch, LaunchError> {
    let command = config.command().ok_or_else(|| wrong(program, "it names no `command`"))?;
    let text = |key: &str| config.fields().get(key).and_then(Value::as_str);
    let directory = text("directory").map_or_else(|| program.project.clone(), PathBuf::from);
    let (port, ready) = (port(program, &config)?, tells_ready(&config));
    let keys = policy_keys(program, &config)?;
    Policy::default().with(&keys).map_err(|error| wrong(program, &format!("`policy`: {error}")))?;
    let values = program.dot_env_path();
    let mut environment = node_environment(&config, &values, &context.settings)?;
    for (name, value) in dot_env::read(&values)? {
        if !environment.iter().any(|(known, _)| *known == *name) {
            environment.push((name.into(), value.expose_secret().into()));
        }
    }
    let log_directory = program.log_directory();
    ensure_private_directory(&log_directory).map_err(|error| {
        LaunchError::Passing(format!("cannot make the log directory {}: {error}", log_directory.display()))
    })?;
    let command_line = command.into_iter().map(Into::into).collect();
    let told = Told { configuration: comparable(config), hub: None, port, ready };
    Ok(Launch { command_line, environment, directory, log_directory, stdin: None, told })
}

/// Refuses a start whose port somebody else holds (R20).
pub(crate) fn refuse_taken_port(port: u16) -> Result<(), LaunchError> {
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    match TcpListener::bind(address) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Err(LaunchError::PortTaken { error: format!("port {port} is taken by {}", describe_owner(address)) })
        }
        // Whether it may use the port is for the program to find out.
        _ => Ok(()),
    }
}
