//! The supervisor's life from lock to last goodbye.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use anet_protocol::{Clock, Entropy};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit_log::AuditLog;
use crate::capture::{Captures, LogRoom};
use crate::control_socket::Doors;
use crate::directory_watcher::DirectoryWatcher;
use crate::error::SupervisorError;
use crate::events::Events;
use crate::held::Held;
use crate::logs::SharedReaders;
use crate::notify_socket::{NotifySocket, Routes};
use crate::paths::Paths;
use crate::process::{Context, HubGate, Storm};
use crate::program_policies::ProgramPolicies;
use crate::registry::Registry;
use crate::service_manager::ServiceManager;
use crate::settings::Settings;
use crate::settings_file::Options;
use crate::state_file::{Loaded, StateStore, load};
use crate::system::control_group::Delegation;
use crate::system::own_memory::Tidying;
use crate::system::process_entry::boot_id;
use crate::system::process_table::ProcessTable;
use crate::system::{orphans, own_process};
use crate::unrecorded::add_unrecorded;
use crate::upgrade::{self, Replacement};
use crate::{control_socket, credential_socket, local_socket, memory_keeper, operator_socket, requests};

/// How long the last write of the state may take.
const LAST_WRITE: Duration = Duration::from_secs(5);
/// How long answers in progress may take when the supervisor leaves.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);
/// The same before an upgrade, during which nobody is answered (R26: 200 ms).
const UPGRADE_PATIENCE: Duration = Duration::from_millis(50);

/// Why a supervisor came to rest.
enum End {
    Leave,
    /// To become this program.
    Upgrade(PathBuf),
}

/// Serves one home until `stop` is cancelled or a client asks for a shutdown. Calls `ready` when
/// everything that lived on is taken over and clients are answered. Hub and nodes run on afterwards,
/// unless the client asked for their end; the next supervisor takes them over.
///
/// A client may also ask for an upgrade: this process then becomes another program, and this function
/// returns only if that fails, to go on as before.
///
/// # Errors
/// [`SupervisorError::AlreadyRunning`] when another one serves the home; [`SupervisorError::SettingsFile`]
/// when its settings cannot be used; otherwise when a file or socket of its own cannot be used.
pub async fn run(
    settings: Settings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    stop: CancellationToken,
    ready: impl FnOnce(),
) -> Result<(), SupervisorError> {
    let paths = Paths::new(&settings.home);
    // First, so that a faulty file changes nothing at all.
    Options::load(&settings.home, &settings.policies)?;
    let held = Held::acquire(&settings, &paths)?;
    let mut ready = Some(ready);
    loop {
        let announce = || {
            if let Some(ready) = ready.take() {
                ready();
            }
        };
        let life = live(&settings, &paths, &held, Arc::clone(&clock), Arc::clone(&entropy), &stop, announce);
        match life.await? {
            End::Leave => break,
            End::Upgrade(executable) => {
                let hub = held.hub.lock().unwrap_or_else(PoisonError::into_inner);
                settings.failpoint.pass("before exec");
                let error =
                    upgrade::replace(&settings, &executable, &held.legacy(hub.as_ref(), settings.secrets.as_deref()));
                tracing::error!(%error, executable = %executable.display(), "the upgrade failed, going on as before");
            }
        }
    }
    held.leave(&paths)
}

/// One life: from the state file to the moment when nothing moves any more.
async fn live(
    settings: &Settings,
    paths: &Paths,
    held: &Held,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    stop: &CancellationToken,
    announce: impl FnOnce(),
) -> Result<End, SupervisorError> {
    let boot_id = boot_id().map_err(SupervisorError::ProcessTable)?;
    let options = Options::load(&settings.home, &settings.policies)?;
    let service_manager = ServiceManager::of(&settings.environment).map_err(SupervisorError::ServiceManager)?;
    let Loaded { mut state, is_complete } = load(&paths.state, &settings.executable, &boot_id, clock.now())
        .map_err(SupervisorError::file("read", &paths.state))?;
    if !is_complete {
        add_unrecorded(&mut state, paths, &boot_id, clock.now()).map_err(SupervisorError::ProcessTable)?;
    }
    settings.failpoint.pass("state read");
    let notify_socket =
        NotifySocket::on(&held.notify).map_err(SupervisorError::file("listen on the socket", &paths.notify_socket))?;
    let listener = local_socket::listen(&held.control)
        .map_err(SupervisorError::file("listen on the socket", &paths.control_socket))?;

    let credentials = local_socket::listen(&held.credentials)
        .map_err(SupervisorError::file("listen on the socket", &paths.credential_socket))?;

    let delegation = if settings.owns_process {
        own_process::prepare().map_err(SupervisorError::ProcessTable)?;
        Delegation::claim()
    } else {
        None
    };
    let (store, writer) =
        StateStore::new(paths.state.clone(), boot_id.clone(), state.clone(), settings.failpoint.clone());
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
    let directory_watcher = Arc::<DirectoryWatcher>::default();
    let room =
        Arc::new(LogRoom::new(paths.home.clone(), options.supervisor.log_total_bytes.or(settings.log_total_max)));
    let captures = Arc::new(Captures::new(Arc::clone(&clock), Arc::clone(&directory_watcher), room));
    let events = Events::new(&paths.state_directory, clock.now());
    let context = Arc::new(Context {
        settings: settings.clone(),
        paths: paths.clone(),
        clock,
        entropy,
        store,
        table: ProcessTable::default(),
        followers: ProcessTable::without_leaders(routes.clone()),
        routes,
        flushes,
        events,
        boot_id,
        directory_watcher,
        captures,
        log_readers: SharedReaders::default(),
        delegation,
        storm: Storm::default(),
        hub_gate: watch::channel(HubGate::default()).0,
        options: RwLock::new(options),
        program_policies: ProgramPolicies::default(),
        reloaded: Notify::new(),
        audit_log: AuditLog::new(&paths.state_directory),
        service_manager,
        tidying: Tidying::default(),
        replacement: Mutex::default(),
    });
    let registry =
        Arc::new(Registry::boot(Arc::clone(&context), state, held.take_hub(), tasks.clone(), leave.clone()).await);
    settings.failpoint.pass("taken over");
    tasks.spawn({
        let (leave, context) = (leave.clone(), Arc::clone(&context));
        async move { leave.run_until_cancelled(attend(&context)).await }
    });
    tasks.spawn({
        let (leave, registry) = (leave.clone(), Arc::clone(&registry));
        async move { leave.run_until_cancelled(memory_keeper::keep(registry)).await }
    });
    tasks.spawn(credential_socket::serve(credentials, Arc::clone(&registry), leave.clone()));
    let owner = requests::router(Arc::clone(&registry));
    let doors = Doors { owner: owner.clone(), others: Some(requests::operators(Arc::clone(&registry))) };
    tasks.spawn(operator_socket::keep(Arc::clone(&registry), doors, leave.clone()));
    let patience = {
        let context = Arc::clone(&context);
        move || if context.is_to_be_replaced() { UPGRADE_PATIENCE } else { LEAVE_PATIENCE }
    };
    let server = tokio::spawn(control_socket::serve(listener, Doors { owner, others: None }, leave.clone(), patience));
    tracing::info!(home = %paths.home.display(), "the supervisor is ready");
    context.service_manager.ready("running");
    announce();

    leave.cancelled().await;
    if !context.is_to_be_replaced() {
        tracing::info!("the supervisor leaves");
        context.service_manager.stopping();
    }
    if let Err(error) = server.await {
        tracing::error!(%error, "the control socket failed");
    }
    tasks.close();
    tasks.wait().await;
    let replacement = context.replacement.lock().unwrap_or_else(PoisonError::into_inner).take();
    let replacement = replacement.filter(|_| !stop.is_cancelled());
    drop((registry, context));
    // The writer ends with the last handle on the store; only a request that hangs could hold one.
    if tokio::time::timeout(LAST_WRITE, writer).await.is_err() {
        tracing::error!("the state may not be saved");
    }
    let Some(Replacement { executable, hub_listener }) = replacement else { return Ok(End::Leave) };
    *held.hub.lock().unwrap_or_else(PoisonError::into_inner) = hub_listener;
    Ok(End::Upgrade(executable))
}

/// What the supervisor does beside answering: signs of life, reading its settings when asked by a signal, and giving back
/// what only starts needed.
async fn attend(context: &Context) {
    let reloads = async {
        loop {
            context.settings.reload.notified().await;
            // A fault is logged, and told to whoever asks for a reload through the socket.
            drop(context.reload());
        }
    };
    let tidying = async {
        if context.settings.owns_process {
            context.tidying.run().await;
        }
    };
    tokio::join!(reloads, tidying, context.service_manager.live());
}

impl Context {
    fn is_to_be_replaced(&self) -> bool {
        self.replacement.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}
