//! What the doctor has to know of this command's surroundings.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anet_hub::HubError;
use anet_hub::console::check_database;
use anet_protocol::control::Plan;
use anet_supervisor::SecretError;
use anet_supervisor::doctor::{Patient, ReferenceSight, StoreSight, SupervisorSight, referring_nodes};

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
    let mut patient = Patient {
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
        references: Vec::new(),
        plan,
        clock: Arc::new(SystemClock),
    };
    if patient.supervisor.status().is_some() {
        patient.references = ask_for_references(context, &patient).await?;
    }
    Ok(patient)
}

/// Asks the running supervisor, whose environment cannot be looked at.
async fn ask_for_references(context: &Context, patient: &Patient) -> Result<Vec<ReferenceSight>, Failure> {
    let client = SupervisorClient::new(&context.environment)?;
    let asked = referring_nodes(patient).into_iter().map(async |(name, project)| {
        let answer = match client.references(&name, &project).await {
            Ok(answer) => Ok(answer.references),
            Err(failure) if failure.code.as_deref() == Some("config_invalid") => {
                Err(SecretError { error: format!("{:#}", failure.error), hint: failure.hints.into_iter().next() })
            }
            // An older supervisor knows nothing of a node that it never started.
            Err(_) => return None,
        };
        Some(ReferenceSight { name, project, answer })
    });
    Ok(futures_util::future::join_all(asked).await.into_iter().flatten().collect())
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
