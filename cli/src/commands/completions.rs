use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "anet", &mut script);
    let script = String::from_utf8(script).context("the completions are not UTF-8")?;
    context.printer.data(script.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
