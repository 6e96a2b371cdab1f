mod files;
mod program;
mod record;

use std::path::PathBuf;
use std::time::Duration;

use anet_protocol::control::{Desired, NodeTarget, NodeView};
use anet_protocol::exit_code::CommandExit;
use anet_protocol::id::NetworkId;
use anet_protocol::node_config::validate_node_name;
use anet_protocol::rest::{ErrorCode, PrepareRename, RenameTransaction};
use std::process::ExitCode;

use self::files::{RunLock, Side};
use self::record::Record;
use super::{NodeReference, start};
use crate::context::Context;
use crate::environment::program_directory;
use crate::failure::{Failure, Outcome};
use crate::hub_client::HubClient;
use crate::node_files;
use crate::supervisor_client::SupervisorClient;

/// How often a commit is tried while the hub does not answer, a second apart.
const COMMIT_TRIES: u32 = 10;

/// Give a node or a program another name; a node's also at the hub, where its id and its token stay
///
/// A rename that was interrupted is finished by the same command.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    node: NodeReference,
    /// The name from now on
    #[arg(value_name = "NEW")]
    new_name: String,
    /// Also while it runs: it is stopped, renamed and started again
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let (old, new) = (&arguments.node.name, &arguments.new_name);
    validate_node_name(new).map_err(|error| Failure { exit: CommandExit::Usage, ..Failure::failed(error) })?;
    if old == new {
        return Err(Failure::usage(format!("the node is named {new} already")));
    }
    let supervisor = SupervisorClient::connect(&context.environment).await?;
    let (project, view) = locate(context, arguments, supervisor.as_ref()).await?;
    let is_running = view.as_ref().is_some_and(|node| node.desired == Desired::Running || node.pid.is_some());
    if is_running && !arguments.force {
        return Err(Failure::message(format!("{old} runs; nothing was done"))
            .hint("with --force it is stopped, renamed and started again"));
    }
    if program_directory(&project, old).is_dir() {
        return program::rename(context, supervisor.as_ref(), view.as_ref(), &project, old, new).await;
    }
    let side = Side::new(project, old, new);
    let hub = context.hub()?;
    let record = match Record::load(&side.directory())? {
        Some(record) if record.new == *new => {
            context.printer.note("an earlier rename was interrupted, and goes on")?;
            Record { was_running: record.was_running || is_running, ..record }
        }
        Some(record) => {
            return Err(Failure::message(format!("the rename of {} to {} was interrupted", record.old, record.new))
                .hint(format!("finish it with `anet node rename {} {}`", record.old, record.new)));
        }
        None => prepare(context, &hub, &side, is_running).await?,
    };
    let rename = Rename { context, hub, supervisor, view, side, record };
    let outcome = rename.change().await;
    match outcome {
        Ok(lock) => rename.finish(lock).await,
        Err(failure) => Err(rename.roll_back(failure).await?),
    }
}

/// The project of the node, also where an interrupted rename has already moved its directory.
async fn locate(
    context: &Context,
    arguments: &Arguments,
    supervisor: Option<&SupervisorClient>,
) -> Result<(PathBuf, Option<NodeView>), Failure> {
    let found = arguments.node.locate(context, supervisor).await;
    let moved = node_files::find_project(&context.environment.directory, &arguments.new_name);
    match (found, moved) {
        (Err(failure), Some(project)) => {
            let side = Side::new(project, &arguments.node.name, &arguments.new_name);
            let is_half_done = Record::load(&side.directory())?.is_some_and(|record| record.old == arguments.node.name);
            if is_half_done { Ok((side.project, None)) } else { Err(failure) }
        }
        (found, _) => found,
    }
}

/// Has the hub reserve the new name.
async fn prepare(context: &Context, hub: &HubClient, side: &Side, was_running: bool) -> Result<Record, Failure> {
    side.refuse_duplicate()?;
    let config = node_files::read_config(&side.directory())?;
    let old_alias = config.alias().unwrap_or(&side.old).to_owned();
    let network_id = match config.network_id() {
        Some(id) => Some(NetworkId::from(id)),
        None => context.network().await?,
    };
    let network_id = network_id.ok_or_else(|| {
        Failure::message(format!("the network of {} is not known", side.old)).hint("name it with `--network NAME`")
    })?;
    let request = PrepareRename { network_id, old_alias: old_alias.clone(), new_alias: side.new.clone() };
    let txn_id = hub.prepare_rename(&request).await?.txn_id;
    Ok(Record { txn_id, old: side.old.clone(), new: side.new.clone(), old_alias, was_running })
}

/// A rename for which the hub keeps the new name.
struct Rename<'a> {
    context: &'a Context,
    hub: HubClient,
    supervisor: Option<SupervisorClient>,
    view: Option<NodeView>,
    side: Side,
    record: Record,
}

impl Rename<'_> {
    fn transaction(&self) -> RenameTransaction {
        RenameTransaction { txn_id: self.record.txn_id.clone() }
    }

    fn target(&self) -> NodeTarget {
        NodeTarget { project: Some(self.side.project.clone()) }
    }

    /// Everything up to the commit. While the lock that it returns is held, no run of the node begins.
    async fn change(&self) -> Result<Option<RunLock>, Failure> {
        // From here on an interrupted rename can be finished.
        self.record.save(&self.side.directory())?;
        if let (Some(client), Some(_)) = (&self.supervisor, &self.view) {
            client.stop_node(&self.side.old, &self.target()).await?;
        }
        let lock = RunLock::take(&self.side.directory())?;
        self.side.move_forward()?;
        self.commit().await?;
        Ok(lock)
    }

    /// A commit whose answer was lost is asked again: committing twice is committing once.
    async fn commit(&self) -> Result<(), Failure> {
        let mut tries = 1;
        loop {
            match self.hub.commit_rename(&self.transaction()).await {
                Err(failure) if failure.exit == CommandExit::HubUnreachable && tries < COMMIT_TRIES => {
                    if tries == 1 {
                        self.context.printer.warning(&format!("{:#}; still trying", failure.error))?;
                    }
                    tries += 1;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                outcome => return outcome.map(drop),
            }
        }
    }

    /// The hub has the new name: what is left is this machine's.
    async fn finish(&self, lock: Option<RunLock>) -> Outcome {
        let (old, new) = (&self.side.old, &self.side.new);
        drop(lock);
        self.context.printer.note(&format!("{old} is named {new} now, here and at the hub"))?;
        let is_started = self.settle().await.map_err(|failure| {
            failure
                .context(format!("{new} has its new name, but not everything is as before"))
                .hint(format!("look with `anet node ls`, and start it with `anet node start {new}`"))
        })?;
        if self.context.printer.json {
            self.context.printer.document(&serde_json::json!({
                "old": old, "new": new, "project": self.side.project, "started": is_started,
            }))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Tells the supervisor, and starts the node again if it ran.
    async fn settle(&self) -> Result<bool, Failure> {
        Record::remove(&self.side.directory())?;
        if let Some(client) = &self.supervisor {
            if self.view.is_some() {
                client.forget_node(&self.side.old, &self.target()).await?;
            }
            client.register_node(&self.side.new, &self.target()).await?;
        }
        if self.record.was_running {
            let outcome = start::start(self.context, &self.side.new, &self.target()).await?;
            let pid = outcome.node.pid.unwrap_or_default();
            self.context.printer.note(&format!("it is running again (pid {pid}), and the hub sees it"))?;
        }
        Ok(self.record.was_running)
    }

    /// Puts everything back, and returns the failure with what became of that.
    async fn roll_back(&self, failure: Failure) -> Result<Failure, Failure> {
        let old = &self.side.old;
        let printer = self.context.printer;
        let again = format!("once the hub answers, finish with `anet node rename {old} {}`", self.side.new);
        if let Err(error) = self.side.move_back(&self.record.old_alias) {
            let text = format!("the node is stopped, and its files could not be put back ({:#})", error.error);
            return Ok(failure.context(text).hint(again));
        }
        // Nothing before the commit speaks to the hub, so it may have been done.
        if failure.exit == CommandExit::HubUnreachable {
            let text = format!("{old} has its old name here and is stopped; whether the hub renamed it is not known");
            return Ok(failure.context(text).hint(again));
        }
        let (aborted, removed) = (self.abort().await, Record::remove(&self.side.directory()));
        let restarted = match &self.supervisor {
            Some(client) if self.record.was_running => client.start_node(old, &self.target()).await.map(drop),
            _ => Ok(()),
        };
        for error in [aborted, removed, restarted].into_iter().filter_map(Result::err) {
            printer.warning(&format!("{:#}", error.error))?;
        }
        Ok(failure.context(format!("rolled back, {old} keeps its name")))
    }

    /// Has the hub give the new name up; one that it has already given up is no failure.
    async fn abort(&self) -> Result<(), Failure> {
        match self.hub.abort_rename(&self.transaction()).await {
            Err(failure) if failure.is_refusal(ErrorCode::RenameNotPossible) => Ok(()),
            Err(failure) => {
                Err(failure.context(format!("the hub keeps {} reserved for up to ten minutes", self.side.new)))
            }
            Ok(_) => Ok(()),
        }
    }
}
