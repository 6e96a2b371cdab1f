use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use nix::unistd::{User, geteuid};
use serde_json::json;

use super::system_tool::{ask, call, lingers};
use super::unit::Plan;
use super::unit_files::UnitFiles;
use super::{Scope, directories, launchd};
use crate::commands::supervisor;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::files;
use crate::supervisor_client::SupervisorClient;

/// Let systemd (on macOS: launchd) start the supervisor at boot and keep it alive
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    scope: Scope,
    /// Only the hub, without a supervisor: for a host of nothing else
    #[arg(long)]
    hub_only: bool,
    /// With --system: the user to run as [default: the one who calls, who must not be root]
    #[arg(long, value_name = "USER", requires = "system")]
    run_as: Option<String>,
    /// Print the files and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print launchd's file, on whichever system
    #[arg(long, requires = "dry_run", conflicts_with_all = ["system", "hub_only"])]
    launchd: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let executable = program_file()?;
    if arguments.launchd || cfg!(target_os = "macos") {
        return install_for_launchd(context, arguments, &executable);
    }
    let run_as = run_as(arguments)?;
    let environment = &context.environment;
    let (home, database) = match &run_as {
        // Another user's service keeps its files in that user's home directory.
        Some(user) if user.uid != geteuid() => (user.dir.join(".anet"), user.dir.join(".commhub/commhub.db")),
        _ => (environment.home.clone(), environment.database.clone()),
    };
    let name = run_as.as_ref().map(|user| user.name.clone());
    let plan = Plan { executable, home, database, run_as: name, hub_only: arguments.hub_only };
    let directory = arguments.scope.directory(context)?;
    let unit_files = plan.files()?;
    if arguments.dry_run {
        return print(context, &directory, &unit_files);
    }
    let flag = arguments.scope.flag();
    // First, so that a machine without systemd, or a user without a service manager, is told before anything changed.
    call("systemctl", &[flag, "show", "--property=Version"])?;
    let note = context.printer;
    if !arguments.scope.system {
        let user = user_name()?;
        if lingers(&user) == Some(false) {
            call("loginctl", &["enable-linger", &user])
                .map_err(|failure| failure.hint(format!("sudo loginctl enable-linger {user}, then install again")))?;
            note.note("your services now start at boot and go on after logout (loginctl enable-linger)")?;
        }
        if lingers(&user) != Some(true) {
            note.warning("it is not known whether your services go on after logout")?;
            note.hint(&format!("loginctl enable-linger {user}"))?;
        }
    }
    directories::make(&plan.directories(), run_as.as_ref())?;
    let units = plan.units();
    let written = UnitFiles::write(&directory, &unit_files)?;
    let mut was_stopped = false;
    if let Err(failure) = activate(context, &plan, flag, &mut was_stopped).await {
        return Err(match take_back(context, &written, flag, &units, was_stopped).await {
            Ok(()) => failure.hint("nothing is installed that was not before; mend this and give the command again"),
            Err(also) => failure.hint(format!("and it could not be taken back: {:#}", also.error)),
        });
    }
    note.note(&format!("installed in {} and started: {}", directory.display(), units.join(", ")))?;
    if note.json {
        note.document(&json!({ "directory": directory, "units": units }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Has the service manager start what was written. `was_stopped` tells that a supervisor made way for it.
async fn activate(context: &Context, plan: &Plan, flag: &str, was_stopped: &mut bool) -> Result<(), Failure> {
    call("systemctl", &[flag, "daemon-reload"])?;
    if !plan.hub_only
        && let Some(client) = SupervisorClient::connect(&context.environment).await?
    {
        // systemd needs the socket's place; what runs lives on and is taken over.
        supervisor::stop::stop(&client, false).await?;
        *was_stopped = true;
    }
    let units = plan.units();
    let mut enable = vec![flag, "enable", "--now"];
    enable.extend(units.iter().map(String::as_str));
    call("systemctl", &enable).map(drop)
}

/// Leaves files, units and supervisor as they were.
async fn take_back(
    context: &Context,
    written: &UnitFiles,
    flag: &str,
    units: &[String],
    was_stopped: bool,
) -> Result<(), Failure> {
    if written.is_new() {
        let mut disable = vec![flag, "disable", "--now"];
        disable.extend(units.iter().map(String::as_str));
        // What was not enabled yet cannot be disabled, which is what is wanted.
        drop(ask("systemctl", &disable));
    }
    written.restore()?;
    call("systemctl", &[flag, "daemon-reload"])?;
    if was_stopped {
        SupervisorClient::ensure(&context.environment).await?;
    }
    Ok(())
}

fn print(context: &Context, directory: &Path, unit_files: &[(String, String)]) -> Outcome {
    let names = |(name, text): &(String, String)| (directory.join(name).display().to_string(), json!(text));
    let document = serde_json::Value::Object(unit_files.iter().map(names).collect());
    context.printer.either(&document, || {
        let file = |(name, text): &(String, String)| format!("# {}\n{text}", directory.join(name).display());
        unit_files.iter().map(file).collect::<Vec<_>>().join("\n")
    })?;
    Ok(ExitCode::SUCCESS)
}

fn install_for_launchd(context: &Context, arguments: &Arguments, executable: &Path) -> Outcome {
    let text = launchd::property_list(executable, &context.environment.home)?;
    let user_home = context.environment.all.iter().find(|(name, _)| name == "HOME");
    let user_home = user_home.map(|(_, home)| PathBuf::from(home)).context("HOME is not set")?;
    let path = launchd::path(&user_home);
    if arguments.dry_run {
        let directory = path.parent().unwrap_or(&path).to_owned();
        return print(context, &directory, &[(format!("{}.plist", launchd::LABEL), text)]);
    }
    files::write_public(&path, &text)?;
    let shown = path.display().to_string();
    call("launchctl", &["bootstrap", &format!("gui/{}", geteuid()), &shown])?;
    context.printer.note(&format!("installed and started: {shown}"))?;
    if context.printer.json {
        context.printer.document(&json!({ "file": path }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The program file that the service is to start, checked as far as it can be.
fn program_file() -> Result<PathBuf, Failure> {
    let path = std::env::current_exe().context("cannot find this program's own file")?;
    let path = std::fs::canonicalize(&path).with_context(|| format!("{} is gone", path.display()))?;
    let metadata = std::fs::metadata(&path).with_context(|| format!("cannot look at {}", path.display()))?;
    let mode = metadata.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(Failure::message(format!("others may write {}, which would run with your rights", path.display()))
            .hint(format!("chmod go-w {}", path.display())));
    }
    Ok(path)
}

fn run_as(arguments: &Arguments) -> Result<Option<User>, Failure> {
    if !arguments.scope.system {
        return Ok(None);
    }
    let name = match &arguments.run_as {
        Some(name) => name.clone(),
        None => user_name()?,
    };
    let user = User::from_name(&name).with_context(|| format!("cannot look up the user {name}"))?;
    let Some(user) = user else { return Err(Failure::message(format!("there is no user {name}"))) };
    if user.uid.is_root() {
        return Err(Failure::message("agents must not run as root")
            .hint("name the user whose agents they are: anet service install --system --run-as USER"));
    }
    if !geteuid().is_root() && !arguments.dry_run {
        return Err(Failure::message("the machine's services are root's to install")
            .hint("sudo anet service install --system --run-as USER, or without --system for yourself"));
    }
    Ok(Some(user))
}

pub(super) fn user_name() -> Result<String, Failure> {
    let user = User::from_uid(geteuid()).context("cannot look up this user")?;
    Ok(user.ok_or_else(|| Failure::message("this user has no name"))?.name)
}
