use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anet_hub::{HubError, Settings};
use anet_protocol::exit_code::ExitCode as RoleExit;
use anet_protocol::notification::Notification;
use anet_protocol::redaction::Redactor;
use anyhow::Context as _;

use super::address::Address;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::hub_settings;
use crate::log_file;
use crate::notify::Notifier;
use crate::signals;
use crate::system::{SystemClock, SystemEntropy};

/// How often the hub tells the supervisor that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// Be the hub, in the foreground
///
/// Takes the settings of the hub (see .env.example) from the environment. Exits with 76 when others could walk in.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    address: Address,
    /// The listening socket is this process's stdin, held by the supervisor
    #[arg(long, hide = true, conflicts_with_all = ["host", "port"])]
    listen_on_stdin: bool,
    /// Database file [default: COMMHUB_DB, then ~/.commhub/commhub.db]
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Directory of the log [default: ~/.anet/server/logs]
    #[arg(long, value_name = "DIRECTORY")]
    log_dir: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let environment = &context.environment;
    let settings = hub_settings::collect(environment).and_then(|variables| hub_settings::parse(&variables));
    let secrets = settings.as_ref().ok().map(|settings| [&settings.session_secret, &settings.legacy_token]);
    let secrets = secrets.into_iter().flatten().flatten().cloned();
    let logs = arguments.log_dir.clone().unwrap_or_else(|| environment.server_directory().join("logs"));
    log_file::start_logging(logs.join("hub.log"), Redactor::new(secrets), &environment.log)?;
    let notifier = Notifier::new(environment.notify_socket.clone())?;
    let outcome = match settings {
        Ok(settings) => serve(context, arguments, settings, &notifier).await,
        Err(failure) => Err((RoleExit::Usage, failure)),
    };
    let Err((code, failure)) = outcome else { return Ok(ExitCode::SUCCESS) };
    let words = format!("{:#}", failure.error);
    tracing::error!("{words}");
    let hint = failure.hints.first().cloned();
    notifier.send(&Notification { error: Some(words), hint, ..Notification::default() });
    context.printer.failure(&failure)?;
    Ok(ExitCode::from(code.code()))
}

/// Why the hub is no longer, for the supervisor and for people.
type Ended = (RoleExit, Failure);

fn fault(error: impl Into<Failure>) -> Ended {
    (RoleExit::Fault, error.into())
}

fn ended(error: HubError) -> Ended {
    match &error {
        HubError::Exposed { hint, .. } => {
            let hint = *hint;
            (RoleExit::ConfigInvalid, Failure::failed(error).hint(hint))
        }
        _ => fault(error),
    }
}

async fn serve(context: &Context, arguments: Arguments, settings: Settings, notifier: &Notifier) -> Result<(), Ended> {
    let listener = if arguments.listen_on_stdin {
        inherited_listener().map_err(fault)?
    } else {
        let address = arguments.address.choose(&context.environment);
        bind(address.map_err(|failure| (RoleExit::ConfigInvalid, failure))?).map_err(fault)?
    };
    listener.set_nonblocking(true).map_err(fault)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(fault)?;
    let stop = signals::stop_token().map_err(fault)?;
    let settings = Settings {
        database: arguments.database.unwrap_or_else(|| context.environment.database.clone()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..settings
    };
    let url = format!("http://{}", listener.local_addr().map_err(fault)?);
    let (is_ready, mut became_ready) = tokio::sync::watch::channel(false);
    let ready = move |_: SocketAddr| {
        is_ready.send_replace(true);
    };
    let stopping = stop.clone();
    let serving = anet_hub::serve(settings, listener, Arc::new(SystemClock), Arc::new(SystemEntropy), stop, ready);
    let signs_of_life = async {
        let alive = Notification { ready: true, watchdog: true, address: Some(url.clone()), ..Notification::default() };
        if became_ready.wait_for(|ready| *ready).await.is_ok() {
            tracing::info!(url, "listening");
            let mut tick = tokio::time::interval(SIGN_OF_LIFE);
            // All is said again each time, because the supervisor that heard it may be gone.
            while stopping.run_until_cancelled(tick.tick()).await.is_some() {
                notifier.send(&alive);
            }
            notifier.send(&Notification { stopping: true, ..Notification::default() });
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        outcome = serving => outcome.map_err(ended)?,
        () = signs_of_life => {}
    }
    tracing::info!("stopped: {}", RoleExit::Stopped.meaning());
    Ok(())
}

fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| {
        let failure = Failure::failed(anyhow::Error::new(error).context(format!("cannot listen on {address}")));
        failure.hint("choose another port with `--port`")
    })
}

/// The socket that the supervisor has bound and keeps open while this process comes and goes.
fn inherited_listener() -> anyhow::Result<TcpListener> {
    let stdin = io::stdin().as_fd().try_clone_to_owned().context("stdin is not open")?;
    let listener = TcpListener::from(stdin);
    listener.local_addr().context("stdin is not a listening socket")?;
    Ok(listener)
}
