//! What other supervisors keep alive, made into programs of this one.

mod pm2;
mod procfile;
mod supervisord;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anet_protocol::node_config::validate_node_name;
use anet_protocol::secret::is_secret;
use clap::ValueEnum;
use serde::Serialize;

use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::program_files::{self, NewProgram};
use crate::{files, private_files};

/// Take over what pm2, supervisord or a Procfile keeps alive
///
/// Makes a program of each entry in this directory, as `anet run` does, without starting it. What has no meaning here is
/// named with the reason. Secrets go into the .env of their program. A file with a mistake, or a name that exists already,
/// changes nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Whose file it is
    #[arg(value_enum)]
    format: Format,
    /// ecosystem.config.json or dump.pm2 of pm2, supervisord.conf, or Procfile
    file: PathBuf,
    /// Only say what would be made
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Pm2,
    Supervisord,
    Procfile,
}

/// What a file says.
#[derive(Debug, Default)]
struct Found {
    programs: Vec<NewProgram>,
    untranslated: Vec<Untranslated>,
}

/// A setting that is not taken over.
#[derive(Debug, PartialEq, Serialize)]
struct Untranslated {
    program: String,
    key: String,
    reason: String,
}

impl Found {
    fn leave_out(&mut self, program: &str, key: &str, reason: &str) {
        self.untranslated.push(Untranslated {
            program: program.to_owned(),
            key: key.to_owned(),
            reason: reason.to_owned(),
        });
    }
}

pub(crate) fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let project = &context.environment.directory;
    let path = project.join(&arguments.file);
    let text = files::read_optional(&path)?
        .ok_or_else(|| Failure::message(format!("there is no file {}", arguments.file.display())))?;
    let here = path.parent().unwrap_or(project);
    let found = match arguments.format {
        Format::Pm2 => pm2::read(&text, here, &path),
        Format::Supervisord => supervisord::read(&text, here),
        Format::Procfile => procfile::read(&text, here),
    };
    let found = found.map_err(|failure| failure.context(arguments.file.display().to_string()))?;
    check(project, &found.programs)?;
    if !arguments.dry_run {
        private_files::secure_home(context)?;
        for program in &found.programs {
            program_files::create(project, program)?;
        }
    }
    report(context, &found, arguments.dry_run)?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses before anything is written.
fn check(project: &Path, programs: &[NewProgram]) -> Result<(), Failure> {
    if programs.is_empty() {
        return Err(Failure::message("it names no program that can be kept"));
    }
    let mut names: Vec<&str> = Vec::new();
    for program in programs {
        let name = program.name.as_str();
        validate_node_name(name).map_err(|error| Failure::failed(error).context(format!("program {name}")))?;
        if names.contains(&name) {
            return Err(Failure::message(format!("it names {name} twice")));
        }
        if node_directory(project, name).is_dir() {
            return Err(Failure::message(format!(
                "there is a node or program {name} here already; nothing was changed"
            ))
            .hint(format!("remove it with `anet node delete {name}`, or rename one of the two")));
        }
        names.push(name);
    }
    Ok(())
}

fn report(context: &Context, found: &Found, is_dry: bool) -> Result<(), Failure> {
    let names = |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    if context.printer.json {
        let programs: Vec<_> = found
            .programs
            .iter()
            .map(|program| {
                serde_json::json!({
                    "name": program.name, "command": program.command, "directory": program.directory,
                    "env": names(&program.env), "secrets": names(&program.secrets),
                })
            })
            .collect();
        return context.printer.document(&serde_json::json!({
            "dry_run": is_dry, "programs": programs, "not_translated": found.untranslated,
        }));
    }
    let done = if is_dry { "would be made" } else { "made" };
    for program in &found.programs {
        context.printer.data(&format!("{done}: {} ({})", program.name, program.command.join(" ")))?;
        if !program.secrets.is_empty() {
            context.printer.note(&format!(
                "{}: into its .env: {}",
                program.name,
                names(&program.secrets).join(", ")
            ))?;
        }
    }
    for left in &found.untranslated {
        context.printer.warning(&format!("{}: {} is not taken over: {}", left.program, left.key, left.reason))?;
    }
    if let (false, Some(first)) = (is_dry, found.programs.first()) {
        context.printer.hint(&format!("stop the old supervisor, then start each with `anet run {}`", first.name))?;
    }
    Ok(())
}

/// A program without a port that does not say when it is ready, its environment parted into plain and secret.
fn program(name: String, command: Vec<String>, directory: PathBuf, env: Vec<(String, String)>) -> NewProgram {
    let (secrets, env) = env.into_iter().partition(|(key, value)| is_secret(key, value));
    NewProgram { name, command, directory, port: None, tells_ready: false, env, secrets }
}
