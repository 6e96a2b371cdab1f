//! What the doctor has to know of this command's surroundings.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anet_hub::HubError;
use anet_hub::console::check_database;
use anet_protocol::control::Plan;
use anet_supervisor::doctor::{Patient, StoreSight, SupervisorSight};

use crate::context::Context;
use crate::failure::Failure;
use crate::supervisor_client::SupervisorClient;
use crate::system::SystemClock;

/// How long going through the hub's database may take; SQLite reads some 200 MB a second from a cold disk.
const DATABASE_PATIENCE: Duration = Duration::from_secs(30);

/// How long the supervisor may take to say how things stand.
const SUPERVISOR_PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn describe(context: &Context, names: &[String]) -> Result<Patient, Failure> {
    let environment = &context.environment;
    let user_home = environment.all.iter().find(|(name, value)| name == "HOME" && !value.is_empty());
    let asked = tokio::time::timeout(SUPERVISOR_PATIENCE, ask_supervisor(context)).await;
    let (supervisor, plan) = asked.unwrap_or_else(|_| {
        let text = format!("it does not answer within {} s", SUPERVISOR_PATIENCE.as_secs());
        (SupervisorSight::Strange(text), None)
    });
    // The database that the supervisor's hub has, else the one of the settings.
    let recorded = supervisor.status().and_then(|status| status.hub.database.clone());
    let database = recorded.unwrap_or_else(|| environment.database.clone());
    let (token, token_problem) = match context.token() {
        Ok(token) => (Some(token), None),
        Err(failure) => (None, Some(format!("{:#}", failure.error))),
    };
    Ok(Patient {
        home: environment.home.clone(),
        user_home: user_home.map(|(_, home)| PathBuf::from(home)),
        directory: environment.directory.clone(),
        store: look_at(&database).await,
        database,
        environment: environment.all.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        hub: context.hub_url().ok(),
        token,
        token_problem,
        names: names.to_vec(),
        supervisor,
        plan,
        clock: Arc::new(SystemClock),
    })
}

async fn ask_supervisor(context: &Context) -> (SupervisorSight, Option<Plan>) {
    let status = async {
        let Some(client) = SupervisorClient::connect(&context.environment).await? else { return Ok(None) };
        let status = client.status().await?;
        // An older supervisor has no plan to tell.
        Ok::<_, Failure>(Some((status, client.plan().await.ok())))
    };
    match status.await {
        Ok(Some((status, plan))) => (SupervisorSight::Running(Box::new(status)), plan),
        Ok(None) => (SupervisorSight::NotRunning, None),
        Err(failure) => (SupervisorSight::Strange(format!("{:#}", failure.error)), None),
    }
}

async fn look_at(database: &Path) -> StoreSight {
    match tokio::time::timeout(DATABASE_PATIENCE, check_database(database)).await {
        Err(_) => StoreSight::Unfinished(DATABASE_PATIENCE.as_secs()),
        Ok(Err(HubError::NoDatabase(_))) => StoreSight::Absent,
        Ok(Err(error)) => StoreSight::Unreadable(format!("{:#}", anyhow::Error::new(error))),
        Ok(Ok(check)) => StoreSight::Read {
            damages: check.damages,
            audit: check.audit.map_err(|error| format!("{:#}", anyhow::Error::new(error))),
        },
    }
}
