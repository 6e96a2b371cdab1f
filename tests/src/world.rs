use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::person::Person;
use crate::processes::{kill_process, processes_of};
use crate::wait_until;

/// The `anet` that `cargo test --workspace` built beside this test.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn anet_program() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    let program = test.ancestors().nth(2).expect("a test lies in target/<profile>/deps").join("anet");
    assert!(program.exists(), "{} is missing: run the tests with `cargo test --workspace`", program.display());
    program
}

/// A home and a project of one test's own. When it is dropped, everything it started is stopped,
/// and the test fails if a process is left behind.
#[derive(Debug)]
pub struct World {
    directory: TempDir,
    /// The user's home directory.
    pub home: PathBuf,
    /// The project in which commands are typed.
    pub project: PathBuf,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Run {
    /// Data.
    pub stdout: String,
    /// Everything else.
    pub stderr: String,
    /// The exit code.
    pub code: i32,
}

impl Run {
    /// Runs a command that finds `input` on its stdin.
    ///
    /// # Panics
    /// When it cannot be run or is killed.
    #[track_caller]
    #[must_use]
    pub fn of(mut command: Command, input: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("anet runs");
        // A command that reads nothing may be gone already.
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).unwrap_or_default();
        Self::new(child.wait_with_output().expect("anet runs"))
    }

    fn new(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
            code: output.status.code().expect("the command was not killed"),
        }
    }

    /// Insists on exit code 0.
    #[track_caller]
    #[must_use]
    pub fn done(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// Insists on this exit code.
    #[track_caller]
    #[must_use]
    pub fn failed(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// stdout as JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// An empty home and an empty project.
    ///
    /// # Panics
    /// When the temporary directory cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("anet-").tempdir().expect("a temporary directory");
        let home = directory.path().join("home");
        let project = directory.path().join("project");
        fs::create_dir(&home).expect("the home is made");
        fs::create_dir(&project).expect("the project is made");
        Self { directory, home, project }
    }

    /// The directory that holds home and project.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The command `anet …`, typed in `directory` by a user who has nothing but PATH and HOME set.
    #[must_use]
    pub fn command_in(&self, directory: &Path, arguments: &[&str]) -> Command {
        command(&self.home, directory, arguments)
    }

    /// Runs `anet …` in the project.
    ///
    /// # Panics
    /// When it cannot be run or is killed.
    #[track_caller]
    #[must_use]
    pub fn anet(&self, arguments: &[&str]) -> Run {
        self.anet_in(&self.project, arguments)
    }

    /// Runs `anet …` in another directory.
    ///
    /// # Panics
    /// When it cannot be run or is killed.
    #[track_caller]
    #[must_use]
    pub fn anet_in(&self, directory: &Path, arguments: &[&str]) -> Run {
        Run::new(self.command_in(directory, arguments).output().expect("anet runs"))
    }

    /// Runs `anet …` with `input` on its stdin.
    #[track_caller]
    #[must_use]
    pub fn anet_typing(&self, input: &str, arguments: &[&str]) -> Run {
        Run::of(self.command_in(&self.project, arguments), input)
    }

    /// Runs `anet …` with variables set.
    #[track_caller]
    #[must_use]
    pub fn anet_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let mut command = self.command_in(&self.project, arguments);
        command.envs(variables.iter().copied());
        Run::of(command, "")
    }

    /// Another person on this machine, who talks to the hub at `url`.
    #[must_use]
    pub fn person(&self, name: &str, url: &str) -> Person {
        Person::new(self.directory.path(), name, url)
    }

    /// A JSON file below the home directory.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    #[must_use]
    pub fn json_file(&self, path: &str) -> Value {
        let text = fs::read_to_string(self.home.join(path)).expect("the file is there");
        serde_json::from_str(&text).expect("the file is JSON")
    }

    /// Starts a hub on a free port and logs its administrator in; gives the hub's address.
    #[track_caller]
    #[must_use]
    pub fn start_hub(&self) -> String {
        let started = self.anet(&["hub", "start", "--port", "0", "--json"]).done().json();
        started["url"].as_str().expect("the hub has an address").to_owned()
    }

    /// Writes an agent's program, a `sh` script, into the project; gives its path there.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn write_agent(&self, name: &str, script: &str) -> String {
        let path = self.project.join(format!("{name}.sh"));
        fs::write(&path, format!("#!/bin/sh\nset -eu\n{script}\n")).expect("the agent is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the agent is executable");
        format!("./{name}.sh")
    }

    /// Creates a node whose tasks run `script`.
    #[track_caller]
    pub fn create_node(&self, name: &str, script: &str) {
        let program = self.write_agent(name, script);
        let _created = self.anet(&["node", "create", name, "--", &program]).done();
    }

    /// Creates and starts a node whose tasks run `script`.
    #[track_caller]
    pub fn start_node(&self, name: &str, script: &str) {
        self.create_node(name, script);
        let _started = self.anet(&["node", "start", name]).done();
    }

    /// The directory of a node of the project.
    #[must_use]
    pub fn node_directory(&self, name: &str) -> PathBuf {
        self.project.join(".anet/nodes").join(name)
    }

    /// A node as `anet node ls --json` shows it.
    ///
    /// # Panics
    /// When it is not listed.
    #[track_caller]
    #[must_use]
    pub fn node(&self, name: &str) -> Value {
        let nodes = self.anet(&["node", "ls", "--json"]).done().json();
        let nodes = nodes["nodes"].as_array().expect("a list of nodes");
        nodes.iter().find(|node| node["name"] == name).unwrap_or_else(|| panic!("{name} is not listed")).clone()
    }

    /// The process of a node.
    ///
    /// # Panics
    /// When it has none.
    #[track_caller]
    #[must_use]
    pub fn node_pid(&self, name: &str) -> u32 {
        pid(&self.node(name)["pid"])
    }

    /// The process of the hub.
    ///
    /// # Panics
    /// When it has none.
    #[track_caller]
    #[must_use]
    pub fn hub_pid(&self) -> u32 {
        pid(&self.anet(&["supervisor", "status", "--json"]).done().json()["hub"]["pid"])
    }

    /// The process of the supervisor.
    ///
    /// # Panics
    /// When it has none.
    #[track_caller]
    #[must_use]
    pub fn supervisor_pid(&self) -> u32 {
        pid(&self.anet(&["supervisor", "status", "--json"]).done().json()["pid"])
    }

    /// Sends a task; gives its id.
    #[track_caller]
    #[must_use]
    pub fn send(&self, alias: &str, task: &str) -> String {
        self.anet(&["send", alias, task]).done().stdout.trim().to_owned()
    }

    /// A task as the hub shows it.
    #[track_caller]
    #[must_use]
    pub fn task(&self, id: &str) -> Value {
        self.anet(&["task", id, "--json"]).done().json()["task"].clone()
    }

    /// Waits until a task is in this state.
    #[track_caller]
    pub fn wait_for_task(&self, id: &str, status: &str) -> Value {
        wait_until(&format!("task {id} is {status}"), || {
            let run = self.anet(&["task", id, "--json"]);
            let task = (run.code == 0).then(|| run.json()["task"].clone())?;
            (task["status"] == status).then_some(task)
        })
    }

    /// The states a task went through, oldest first.
    #[track_caller]
    #[must_use]
    pub fn history(&self, id: &str) -> Vec<String> {
        let document = self.anet(&["task", id, "--json"]).done().json();
        let events = document["events"].as_array().expect("a list of events");
        events.iter().map(|event| event["to_status"].as_str().expect("a state").to_owned()).collect()
    }
}

pub(crate) fn command(home: &Path, directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(anet_program());
    command.args(arguments).current_dir(directory).env_clear().env("HOME", home);
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").stdin(Stdio::null());
    command
}

#[track_caller]
fn pid(value: &Value) -> u32 {
    let pid = value.as_u64().unwrap_or_else(|| panic!("{value} is no pid"));
    u32::try_from(pid).expect("a pid fits")
}

impl Drop for World {
    fn drop(&mut self) {
        let stopped = self.command_in(&self.project, &["supervisor", "stop"]).output();
        let left = processes_of(&self.home);
        for (pid, _) in &left {
            kill_process(*pid);
        }
        if !std::thread::panicking() {
            let stopped = stopped.expect("anet runs");
            assert!(stopped.status.success(), "the supervisor did not stop: {stopped:?}");
            assert!(left.is_empty(), "processes were left behind: {left:?}");
        }
    }
}
