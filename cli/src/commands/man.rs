use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory as _;
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;

/// Write the manual pages into a directory
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The directory, such as ~/.local/share/man/man1; created if need be
    directory: PathBuf,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let directory = context.environment.directory.join(&arguments.directory);
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    clap_mangen::generate_to(super::Arguments::command(), &directory)
        .with_context(|| format!("cannot write the pages into {}", directory.display()))?;
    context.printer.note(&format!("the manual pages are in {}", directory.display()))?;
    Ok(ExitCode::SUCCESS)
}
