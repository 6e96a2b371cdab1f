use std::sync::Arc;

use anet_protocol::exit_code::ExitCode as RoleExit;
use anet_protocol::redaction::Redactor;
use anet_supervisor::{SecretDescriptor, SecretError, SupervisorError};
use anyhow::Context as _;
use std::os::fd::RawFd;
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::log_file;
use crate::signals;
use crate::system::{SystemClock, SystemEntropy};

/// Be the supervisor, in the foreground
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Secrets of nodes, in an open descriptor: `fd:5`
    ///
    /// Its text is as in a node's .env. What a node refers to is looked for in its own .env, in
    /// $CREDENTIALS_DIRECTORY, here, and then in the environment. A file is read anew at each start of a
    /// node, a pipe once; nodes do not get the descriptor.
    #[arg(long, value_name = "fd:N", value_parser = descriptor)]
    secrets: Option<RawFd>,
    /// It was started by a command that ends; say nothing on the terminal
    #[arg(long, hide = true)]
    detached: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let environment = &context.environment;
    // First, as long as no descriptor of this program's own can have that number.
    let secrets = match arguments.secrets.map(SecretDescriptor::take).transpose() {
        Ok(secrets) => secrets.map(Arc::new),
        Err(SecretError { error, hint }) => {
            context.printer.failure(&hint.into_iter().fold(Failure::message(error), Failure::hint))?;
            return Ok(ExitCode::from(RoleExit::ConfigInvalid.code()));
        }
    };
    log_file::start_logging(
        environment.supervisor_logs().join("supervisor.log"),
        Redactor::default(),
        &environment.log,
    )?;
    let mut settings = anet_supervisor::Settings::new(
        environment.home.clone(),
        std::env::current_exe().context("cannot find this program's own file")?,
        env!("CARGO_PKG_VERSION").to_owned(),
        environment.all.clone(),
    );
    settings.owns_process = true;
    settings.secrets = secrets;
    settings.arguments = std::env::args_os().skip(1).collect();
    signals::notify_on_hangup(Arc::clone(&settings.reload))?;
    let detached = arguments.detached;
    let printer = context.printer;
    let home = environment.home.display().to_string();
    let ready = move || {
        tracing::info!("the supervisor is ready");
        if !detached
            && let Err(error) = printer.note(&format!("the supervisor of {home} is ready; stop it with Ctrl-C"))
        {
            tracing::debug!(%error, "stderr is closed");
        }
    };
    let stop = signals::stop_token()?;
    let outcome = anet_supervisor::run(settings, Arc::new(SystemClock), Arc::new(SystemEntropy), stop, ready).await;
    match outcome {
        // A code of its own, with which a service manager knows that starting it again cannot help.
        Err(SupervisorError::SettingsFile(error)) => {
            let hint = "mend the file; docs/supervisor.toml shows every key";
            context.printer.failure(&Failure::failed(error).hint(hint))?;
            Ok(ExitCode::from(RoleExit::ConfigInvalid.code()))
        }
        outcome => Ok(outcome.map(|()| ExitCode::SUCCESS)?),
    }
}

/// The number in `fd:5`.
fn descriptor(text: &str) -> Result<RawFd, String> {
    let number = text.strip_prefix("fd:").and_then(|number| number.parse().ok());
    number.filter(|number| *number >= 0).ok_or_else(|| "a descriptor is written like fd:5".to_owned())
}
