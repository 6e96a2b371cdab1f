use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::exit_code::ExitCode as RoleExit;
use anet_protocol::notification::Notification;
use anet_protocol::redaction::Redactor;
use anyhow::Context as _;

use super::start::Address;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::log_file;
use crate::notify::Notifier;
use crate::signals;
use crate::system::{SystemClock, SystemEntropy};

/// How often the hub tells the supervisor that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// Be the hub, in the foreground
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
    let logs = arguments.log_dir.unwrap_or_else(|| environment.server_directory().join("logs"));
    log_file::start_logging(logs.join("hub.log"), Redactor::default(), &environment.log)?;
    let notifier = Notifier::new(environment.notify_socket.clone())?;
    let outcome = serve(context, arguments.address, arguments.listen_on_stdin, arguments.database, &notifier).await;
    if let Err(failure) = &outcome {
        let words = format!("{:#}", failure.error);
        tracing::error!("{words}");
        notifier.send(&Notification { error: Some(words), ..Notification::default() });
    }
    outcome
}

async fn serve(
    context: &Context,
    address: Address,
    listen_on_stdin: bool,
    database: Option<PathBuf>,
    notifier: &Notifier,
) -> Outcome {
    let listener = if listen_on_stdin { inherited_listener()? } else { bind(address.socket_address())? };
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let stop = signals::stop_token()?;
    let settings = anet_hub::Settings {
        database: database.unwrap_or_else(|| context.environment.database.clone()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..anet_hub::Settings::default()
    };
    let url = format!("http://{}", listener.local_addr()?);
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
        outcome = serving => outcome?,
        () = signs_of_life => {}
    }
    tracing::info!("stopped: {}", RoleExit::Stopped.meaning());
    Ok(ExitCode::SUCCESS)
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
