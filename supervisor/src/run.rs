//! The supervisor's life from lock to last goodbye.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use anet_protocol::{Clock, Entropy};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::capture::{Captures, LogRoom};
use crate::directory_watcher::DirectoryWatcher;
use crate::error::SupervisorError;
use crate::events::Events;
use crate::instance_lock::InstanceLock;
use crate::notify_socket::{NotifySocket, Routes};
use crate::paths::{Paths, ensure_private_directory};
use crate::process::Context;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::state_file::{StateStore, load};
use crate::system::control_group::Delegation;
use crate::system::process_entry::boot_id;
use crate::system::process_table::ProcessTable;
use crate::system::{orphans, own_process};
use crate::{control_socket, requests};

/// How long the last write of the state may take.
const LAST_WRITE: Duration = Duration::from_secs(5);

/// Serves one home until `stop` is cancelled or a client asks for a shutdown. Calls `ready` when
/// everything that lived on is taken over and clients are answered. Hub and nodes run on afterwards,
/// unless the client asked for their end; the next supervisor takes them over.
///
/// # Errors
/// [`SupervisorError::AlreadyRunning`] when another one serves the home; otherwise when a file or
/// socket of its own cannot be used.
pub async fn run(
    settings: Settings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
    ready: impl FnOnce(),
) -> Result<(), SupervisorError> {
    let paths = Paths::new(&settings.home);
    for directory in [&paths.home, &paths.run, &paths.state_directory] {
        ensure_private_directory(directory).map_err(SupervisorError::file("make private", directory))?;
    }
    // Held to the end of this function.
    let _lock = InstanceLock::acquire(&paths.lock)?;
    let boot_id = boot_id().map_err(SupervisorError::ProcessTable)?;
    let state =
        load(&paths.state, &settings.executable, clock.now()).map_err(SupervisorError::file("read", &paths.state))?;
    let notify_socket = NotifySocket::bind(&paths.notify_socket)
        .map_err(SupervisorError::file("bind the socket", &paths.notify_socket))?;
    let listener = control_socket::bind(&paths.control_socket)
        .map_err(SupervisorError::file("bind the socket", &paths.control_socket))?;

    let delegation = if settings.owns_process {
        own_process::prepare().map_err(SupervisorError::ProcessTable)?;
        Delegation::claim()
    } else {
        None
    };
    let (store, writer) = StateStore::new(paths.state.clone(), state.clone());
    let writer = tokio::spawn(writer);
    let (flushes, flush_requests) = mpsc::channel(1);
    let routes = Routes::default();
    let leave = stop.child_token();
    let tasks = TaskTracker::new();
    let told = notify_socket.serve(routes.clone(), flush_requests);
    tasks.spawn({
        let leave = leave.clone();
        async move { leave.run_until_cancelled(told).await }
    });
    if settings.owns_process {
        let (routes, leave) = (routes.clone(), leave.clone());
        tasks.spawn(async move {
            if let Some(Err(error)) = leave.run_until_cancelled(orphans::bury(routes)).await {
                tracing::error!(%error, "orphans are not buried");
            }
        });
    }
    let policies = RwLock::new(settings.policies.clone());
    let directory_watcher = Arc::<DirectoryWatcher>::default();
    let room = Arc::new(LogRoom::new(paths.home.clone(), settings.log_total_max));
    let captures = Arc::new(Captures::new(Arc::clone(&clock), Arc::clone(&directory_watcher), room));
    let context = Arc::new(Context {
        settings,
        paths: paths.clone(),
        clock,
        entropy,
        store,
        table: ProcessTable::default(),
        routes,
        flushes,
        events: Events::new(),
        boot_id,
        directory_watcher,
        captures,
        delegation,
        policies,
    });
    let registry = Arc::new(Registry::boot(context, state, tasks.clone(), leave.clone()).await);
    let answers = requests::router(Arc::clone(&registry));
    let server = tokio::spawn(control_socket::serve(listener, answers, leave.clone()));
    tracing::info!(home = %paths.home.display(), "the supervisor is ready");
    ready();

    leave.cancelled().await;
    tracing::info!("the supervisor leaves");
    if let Err(error) = server.await {
        tracing::error!(%error, "the control socket failed");
    }
    tasks.close();
    tasks.wait().await;
    drop(registry);
    // The writer ends with the last handle on the store; only a request that hangs could hold one.
    if tokio::time::timeout(LAST_WRITE, writer).await.is_err() {
        tracing::error!("the state may not be saved");
    }
    for socket in [&paths.control_socket, &paths.notify_socket] {
        control_socket::remove_stale(socket).map_err(SupervisorError::file("remove", socket))?;
    }
    Ok(())
}
