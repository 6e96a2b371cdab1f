//! What other supervisors keep alive, made into programs of this one.

mod format;
mod found;
mod pm2;
mod procfile;
mod report;
mod supervisord;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anet_protocol::env_file;
use anet_protocol::node_config::validate_node_name;
use anet_supervisor::Policy;

use crate::context::Context;
use crate::environment::node_directory;
use crate::failure::{Failure, Outcome};
use crate::program_files::{self, NewProgram};
use crate::{files, private_files};
use format::Format;
use found::Found;

/// Take over what pm2, supervisord or a Procfile keeps alive
///
/// Makes a program of each entry in this directory, as `anet run` does, without starting it. How it is to be kept is written
/// into its own config.json (`policy`), and goes with it. What has no meaning here is named with the reason. Secrets go into the .env of their program. A file with a mistake, or a name that exists already, changes nothing.
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

pub(crate) fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let project = &context.environment.directory;
    let path = project.join(&arguments.file);
    let text = files::read_optional(&path)?
        .ok_or_else(|| Failure::message(format!("there is no file {}", arguments.file.display())))?;
    let found = read(arguments, &text, project, &path, &context.environment.all)
        .map_err(|failure| failure.context(arguments.file.display().to_string()))?;
    check(project, &found.programs)?;
    if !arguments.dry_run {
        private_files::secure_home(context)?;
        for program in &found.programs {
            program_files::create(project, program)?;
        }
    }
    report::report(context, &found, arguments.dry_run)?;
    Ok(ExitCode::SUCCESS)
}

fn read(
    arguments: &Arguments,
    text: &str,
    project: &Path,
    path: &Path,
    environment: &[(OsString, OsString)],
) -> Result<Found, Failure> {
    arguments.format.refuse_other(text, &arguments.file.display().to_string())?;
    let here = path.parent().unwrap_or(project);
    match arguments.format {
        Format::Pm2 => pm2::read(text, here, path),
        Format::Supervisord => supervisord::read(text, here, environment),
        Format::Procfile => {
            // foreman, honcho and overmind give what stands there to every process.
            let path = here.join(".env");
            let variables = files::read_optional(&path)?.map_or_else(|| Ok(Vec::new()), |text| env_file::parse(&text));
            let variables = variables.map_err(|error| Failure::failed(error).context(path.display().to_string()))?;
            procfile::read(text, here, &variables)
        }
    }
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
        Policy::default()
            .with(&program.policy)
            .map_err(|error| Failure::failed(error).context(format!("program {name}: how it is to be kept")))?;
        names.push(name);
    }
    Ok(())
}
