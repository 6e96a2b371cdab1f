//! Starting a supervisor that outlives this command.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Command, Stdio};

use anet_protocol::variables::{self, SetBy};
use anyhow::Context as _;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::files;

/// Starts a supervisor that outlives this command.
pub(super) fn spawn(environment: &Environment, log: &std::path::Path) -> Result<Child, Failure> {
    files::create_private_directory(&environment.home)?;
    files::create_private_directory(&environment.supervisor_logs())?;
    // Only what this attempt says is of interest, so the file begins anew.
    let stderr = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(log);
    let stderr = stderr.with_context(|| format!("cannot open {}", log.display()))?;
    let executable = std::env::current_exe().context("cannot find this program's own file")?;
    let mut command = Command::new(&executable);
    // Started from inside a task, it must not carry the marks of that task: they would end it with the task.
    for variable in variables::ALL.iter().filter(|variable| variable.set_by != SetBy::Person) {
        command.env_remove(variable.name);
    }
    anet_supervisor::detach(&mut command);
    let child = command
        .args(["supervisor", "run", "--detached"])
        .env("ANET_HOME", &environment.home)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .with_context(|| format!("cannot start {}", executable.display()))?;
    Ok(child)
}
