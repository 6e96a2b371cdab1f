mod undo;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anet_protocol::control::NodeTarget;
use anet_protocol::env_file;
use anet_protocol::node_config::validate_node_name;

use super::node::start;
use crate::context::Context;
use crate::environment::{node_directory, program_directory};
use crate::failure::{Failure, Outcome};
use crate::{files, private_files, program_files};

/// Programs that start others, and of which a signal does not always reach those.
const WRAPPERS: [&str; 7] = ["npm", "npx", "yarn", "pnpm", "sh", "bash", "zsh"];

/// Keep any program alive: it is restarted when it ends, and looked after like a node
///
/// The program is executed itself, without a shell, and keeps its files in .anet/programs/NAME of this directory. It is
/// listed by `anet node ls` and obeys `anet node start|stop|restart|logs|delete NAME`. Without a program the known one of
/// this name is started.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Name of the program
    name: String,
    /// Directory to run it in [default: this one]
    #[arg(long, value_name = "DIRECTORY")]
    cwd: Option<PathBuf>,
    /// File of KEY=VALUE lines for its environment; a copy is kept, closed to others
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// TCP port it listens on: it is not started while somebody else has it
    #[arg(long)]
    port: Option<u16>,
    /// It sends READY=1 by the protocol of sd_notify, and is running only from then on
    #[arg(long)]
    notify: bool,
    /// The program and its arguments, after `--`; ./paths are relative to the directory it runs in
    #[arg(last = true, value_name = "PROGRAM")]
    program: Vec<String>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let name = &arguments.name;
    validate_node_name(name).map_err(|error| Failure::usage(error.to_string()))?;
    let here = &context.environment.directory;
    let is_known = program_directory(here, name).is_dir();
    match (is_known, arguments.program.first()) {
        (true, Some(_)) => {
            return Err(Failure::message(format!("there is a program {name} here already"))
                .hint(format!("start it with `anet run {name}`, or remove it with `anet node delete {name}`")));
        }
        (true, None) => {}
        (false, None) => {
            return Err(Failure::usage(format!("there is no program {name} in {}", here.display()))
                .hint(format!("name one after `--`: anet run {name} -- ./program")));
        }
        (false, Some(first)) => {
            private_files::secure_home(context)?;
            warn_of_wrapper(context, first)?;
            create(context, here, &arguments)?;
        }
    }
    let target = NodeTarget { project: Some(here.clone()) };
    let outcome = match start::start(context, name, &target).await {
        Ok(outcome) => outcome,
        Err(failure) if is_known => return Err(failure),
        Err(failure) => return Err(undo::take_back(context, name, &target, failure).await),
    };
    context.printer.note(&start::told(context, &outcome))?;
    if context.printer.json {
        context.printer.document(&outcome)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn warn_of_wrapper(context: &Context, program: &str) -> Result<(), Failure> {
    let base = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if WRAPPERS.contains(&base) {
        let text = format!("{base} starts another program; a stop reaches that one too, but may not let it finish");
        context.printer.warning(&text)?;
        context.printer.hint("name the program itself where you can")?;
    }
    Ok(())
}

fn create(context: &Context, project: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let name = &arguments.name;
    if node_directory(project, name).is_dir() {
        return Err(Failure::message(format!("there is a node {name} here already")).hint("choose another name"));
    }
    let here = &context.environment.directory;
    let directory = arguments.cwd.as_ref().map_or_else(|| here.clone(), |directory| here.join(directory));
    if !directory.is_dir() {
        return Err(Failure::message(format!("there is no directory {}", directory.display())));
    }
    let secrets = match &arguments.env_file {
        None => Vec::new(),
        Some(path) => {
            let text = files::read_optional(&here.join(path))?
                .ok_or_else(|| Failure::message(format!("there is no file {}", path.display())))?;
            env_file::parse(&text).map_err(|error| Failure::failed(error).context(path.display().to_string()))?
        }
    };
    program_files::create(
        project,
        &program_files::NewProgram {
            name: name.clone(),
            command: arguments.program.clone(),
            directory,
            port: arguments.port,
            tells_ready: arguments.notify,
            env: Vec::new(),
            secrets,
            policy: serde_json::Map::new(),
        },
    )
}
