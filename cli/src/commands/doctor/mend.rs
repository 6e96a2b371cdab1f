//! Doing the repairs of `--fix`.

use std::path::Path;

use anet_supervisor::Login;
use anet_supervisor::doctor::{Change, Finding, Repair, apply};
use anet_supervisor::token_repair::{self, Cause, RepairOutcome};
use serde::Serialize;

use crate::admin_file::AdminFile;
use crate::commands::hub::start::administrator;
use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::Failure;
use crate::supervisor_client::SupervisorClient;
use crate::system::SystemEntropy;

/// A repair that was tried.
#[derive(Debug, Serialize)]
pub(super) struct Mended {
    /// The id of the check that found it.
    check: &'static str,
    /// What the check calls itself to people.
    #[serde(skip)]
    title: &'static str,
    /// What it is about.
    subject: Option<String>,
    #[serde(flatten)]
    outcome: MendOutcome,
    #[serde(skip)]
    repair: Repair,
}

#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum MendOutcome {
    /// It is otherwise now.
    Changed(Change),
    /// It was mended already, by this round or by somebody else.
    Unchanged,
    /// It is as it was.
    Failed { error: String, hints: Vec<String> },
}

impl Mended {
    pub(super) const fn is_change(&self) -> bool {
        matches!(self.outcome, MendOutcome::Changed(_))
    }

    /// Whether it is as it was.
    pub(super) const fn is_failure(&self) -> bool {
        matches!(self.outcome, MendOutcome::Failed { .. })
    }

    pub(super) const fn repair(&self) -> &Repair {
        &self.repair
    }

    /// A line for people; nothing where nothing was done.
    pub(super) fn line(&self) -> Option<String> {
        let subject = self.subject.as_ref().map_or_else(String::new, |subject| format!("{subject}: "));
        let title = self.title;
        match &self.outcome {
            MendOutcome::Changed(change) => {
                Some(format!("repaired   {title}: {subject}{} → {}", change.before, change.after))
            }
            MendOutcome::Unchanged => None,
            MendOutcome::Failed { error, hints } => {
                // An error of a file names it, as the finding does.
                let error = error.strip_prefix(&subject).unwrap_or(error);
                let mut lines = vec![format!("unrepaired {title}: {subject}{error}")];
                lines.extend(hints.iter().map(|hint| format!("           hint: {hint}")));
                Some(lines.join("\n"))
            }
        }
    }
}

/// Does every repair of the findings that was not tried before.
pub(super) async fn all(context: &Context, database: &Path, findings: &[Finding], before: &[Mended]) -> Vec<Mended> {
    let mut mended: Vec<Mended> = Vec::new();
    for finding in findings {
        let Some(repair) = &finding.repair else { continue };
        if before.iter().chain(&mended).any(|done| done.repair == *repair) {
            continue;
        }
        let outcome = match mend(context, database, finding, repair).await {
            Ok(Some(change)) => MendOutcome::Changed(change),
            Ok(None) => MendOutcome::Unchanged,
            Err(failure) => MendOutcome::Failed { error: format!("{:#}", failure.error), hints: failure.hints },
        };
        let subject = finding.subject.clone();
        mended.push(Mended { check: finding.check, title: finding.title, subject, outcome, repair: repair.clone() });
    }
    mended
}

async fn mend(
    context: &Context,
    database: &Path,
    finding: &Finding,
    repair: &Repair,
) -> Result<Option<Change>, Failure> {
    match repair {
        Repair::StartSupervisor => {
            let status = SupervisorClient::ensure(&context.environment).await?.status().await?;
            Ok(Some(Change::new("not running", format!("running (pid {})", status.pid))))
        }
        Repair::RenewAdminLogin => {
            let mut file = AdminFile::load(&context.environment)?;
            let known = file.username().unwrap_or("admin").to_owned();
            let username = administrator::renew_on(database, &mut file, &known).await?;
            Ok(Some(Change::new(&finding.seen, format!("a new login of {username}"))))
        }
        Repair::Token { name, project } => renew_token(context, &node_directory(project, name), &finding.seen).await,
        repair => Ok(apply(repair).await?),
    }
}

/// The same repair that the running supervisor does by itself; a node that runs takes the new token from its file.
async fn renew_token(context: &Context, directory: &Path, before: &str) -> Result<Option<Change>, Failure> {
    let login = Login::read(&context.environment.home)?;
    match token_repair::Repair::new(directory, &login, Cause::Check, &SystemEntropy).run().await? {
        RepairOutcome::Repaired { fingerprint, network_id, .. } => {
            Ok(Some(Change::new(before, format!("a new token, …{fingerprint}, in the network {network_id}"))))
        }
        RepairOutcome::AlreadyValid { .. } => Ok(None),
        RepairOutcome::AuthBlocked { reason, hint } | RepairOutcome::NeedsAttention { reason, hint } => {
            Err(Failure::message(reason).hint(hint))
        }
        RepairOutcome::Later { reason, .. } => Err(Failure::message(reason).hint("try again later")),
    }
}
