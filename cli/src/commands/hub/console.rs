//! Acting on the database itself, on the hub's host, whether the hub runs or not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anet_hub::HubError;
use anet_hub::console::Console;

use crate::context::Context;
use crate::failure::Failure;
use crate::supervisor_client::SupervisorClient;
use crate::system::{SystemClock, SystemEntropy};

/// Opens the database.
pub(super) async fn open(database: PathBuf) -> Result<Console, Failure> {
    let process = format!("pid {} uid {}", std::process::id(), nix::unistd::getuid());
    let opened = Console::open(database.clone(), Arc::new(SystemClock), Arc::new(SystemEntropy), process).await;
    opened.map_err(|error| explain(error, &database))
}

/// Says so when the hub of this machine keeps its data elsewhere.
pub(super) async fn warn_of_another(context: &Context, database: &Path) -> Result<(), Failure> {
    let Some(supervisor) = SupervisorClient::connect(&context.environment).await? else { return Ok(()) };
    let hub = supervisor.status().await?.hub;
    if let Some(other) = hub.database.filter(|other| hub.pid.is_some() && other != database) {
        let text = format!("the hub that runs here has the database {}, not {}", other.display(), database.display());
        context.printer.warning(&text)?;
        context.printer.hint("name the one that is meant with --database or COMMHUB_DB")?;
    }
    Ok(())
}

/// What the hub says, with what to do about it.
pub(super) fn explain(error: HubError, database: &Path) -> Failure {
    let hint = match &error {
        HubError::NoDatabase(_) => {
            "this is done on the hub's host; name the file with --database or COMMHUB_DB".to_owned()
        }
        HubError::NoUser(_) => format!("`anet hub users` lists the accounts; looked at was {}", database.display()),
        _ => return Failure::failed(error),
    };
    Failure::failed(error).hint(hint)
}
