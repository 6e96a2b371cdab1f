//! The supervisors that are compared, each as a person would use it: its own start command, its own "all" commands.

pub(crate) mod anet;
mod circus;
mod floor;
mod honcho;
mod pm2;
mod pueue;
mod runit;
mod s6;
mod supervisord;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::patience::{Step, leave};

/// A supervisor that may be installed.
pub(crate) trait System {
    fn name(&self) -> &'static str;
    fn is_installed(&self) -> bool;
    /// Writes its configuration: `count` times the child, kept alive.
    fn set_up(&self, directory: &Path, child: &[String], count: usize) -> Box<dyn Run>;
}

/// One supervisor with its children.
pub(crate) trait Run {
    /// Starts the supervisor, which starts all children.
    fn start_cold(&mut self) -> Step;
    /// Its first processes.
    fn roots(&self) -> Vec<u32>;
    /// Whether it starts again what ended.
    fn restarts(&self) -> bool {
        true
    }
    /// Asks for the state of all children.
    fn status(&mut self) -> Step;
    fn stop_all(&mut self) -> Step;
    /// Starts all children anew.
    fn start_all(&mut self) -> Step;
    /// Ends the supervisor.
    fn end(&mut self) -> Step;
}

/// All of them; rivals are looked for in `rivals`, as `install-rivals` puts them there.
pub(crate) fn all(rivals: Option<PathBuf>) -> Vec<Box<dyn System>> {
    // Nothing is found there.
    let rivals = rivals.unwrap_or_else(|| PathBuf::from("/nonexistent"));
    let rivals = Rivals { directory: std::path::absolute(rivals).expect("a path") };
    vec![
        Box::new(floor::Floor),
        Box::new(anet::Anet),
        Box::new(runit::Runit(rivals.clone())),
        Box::new(s6::S6(rivals.clone())),
        Box::new(supervisord::Supervisord(rivals.clone())),
        Box::new(pm2::Pm2(rivals.clone())),
        Box::new(circus::Circus(rivals.clone())),
        Box::new(honcho::Honcho(rivals.clone())),
        Box::new(pueue::Pueue(rivals)),
    ]
}

/// The directory with the rivals' programs.
#[derive(Clone)]
pub(crate) struct Rivals {
    directory: PathBuf,
}

impl Rivals {
    const PROGRAMS: [&'static str; 4] = ["root/usr/bin", "venv/bin", "npm/node_modules/.bin", "pueue/bin"];

    pub(crate) fn have(&self, program: &str) -> bool {
        Self::PROGRAMS.iter().any(|place| self.directory.join(place).join(program).exists())
    }

    /// A command of a rival, with a home of its own.
    pub(crate) fn command(&self, home: &Path, program: &str) -> Command {
        let places = Self::PROGRAMS.iter().map(|place| self.directory.join(place).display().to_string());
        let path = places.chain(["/usr/local/bin:/usr/bin:/bin".to_owned()]).collect::<Vec<_>>().join(":");
        let libraries = self.directory.join("root/usr/lib/x86_64-linux-gnu");
        let mut command = quiet("env");
        command.env_clear().env("PATH", &path).env("HOME", home).env("LD_LIBRARY_PATH", libraries);
        command.env("PM2_HOME", home.join("pm2")).env("PM2_DISABLE_VERSION_CHECK", "true").current_dir(home);
        command.arg(program);
        command
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.join(relative)
    }
}

/// A command that nobody listens to.
pub(crate) fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Why a step is not measured that a supervisor has no command for.
pub(crate) fn no_such_command() -> Step {
    Err("it has no such command".to_owned())
}

/// Starts a daemon that stays our child.
fn spawn(command: &mut Command, daemon: &mut Option<Child>) -> Step {
    *daemon = Some(command.spawn().map_err(|error| error.to_string())?);
    Ok(())
}

/// Ends a daemon that was started.
fn end(daemon: &mut Option<Child>, signal: Signal) -> Step {
    daemon.as_mut().map_or(Ok(()), |daemon| leave(daemon, signal))
}
