//! `anet`: every process of the product is a role of this one program.

mod admin_file;
mod commands;
mod context;
mod duration;
mod environment;
mod failure;
mod files;
mod global_config;
mod hub_client;
mod hub_settings;
mod hub_url;
mod log_file;
mod network_choice;
mod node_files;
mod node_secrets;
mod notify;
mod printer;
mod private_files;
mod program_files;
mod prompt;
mod signals;
mod supervisor_client;
mod system;

use std::process::ExitCode;

use anet_protocol::exit_code::CommandExit;
use clap::Parser as _;

use crate::commands::Arguments;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::printer::Printer;

/// How many threads of the supervisor may wait for files. A hundred nodes that start at once would make a hundred of
/// them, each with a heap of its own.
const SUPERVISOR_BLOCKING_THREADS: usize = 16;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let environment = match Environment::read() {
        Ok(environment) => environment,
        Err(error) => return report(Printer::new(false, None), &Failure::failed(error)),
    };
    let context = arguments.context(environment);
    // One thread serves a command, a node and the supervisor; a runtime child must also stay tied
    // to the thread that spawned it (PR_SET_PDEATHSIG), which here lives as long as the process.
    let mut runtime = if arguments.is_hub() {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    if arguments.is_supervisor() {
        runtime.max_blocking_threads(SUPERVISOR_BLOCKING_THREADS);
    }
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(context.printer, &Failure::failed(error)),
    };
    let outcome = runtime.block_on(arguments.run(&context));
    // A read of stdin that nobody ends must not keep the process.
    runtime.shutdown_background();
    match outcome {
        Ok(exit) => exit,
        Err(failure) => report(context.printer, &failure),
    }
}

/// Prints a failure and turns it into the process's exit code.
fn report(printer: Printer, failure: &Failure) -> ExitCode {
    if failure.is_broken_pipe() {
        return ExitCode::SUCCESS;
    }
    match printer.failure(failure) {
        Ok(()) => ExitCode::from(failure.exit.code()),
        // With no stderr to speak to, the exit code is all that is left.
        Err(_) => ExitCode::from(CommandExit::Failed.code()),
    }
}
