//! A home with a supervisor that is asked through its socket, as the command line does it, but without one.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::observer::now;
use crate::patience::{succeed, sweep};
use crate::process_group::ProcessGroup;
use crate::systems::anet;

/// Milliseconds.
const LONGEST_CALL: f64 = 30_000.0;

/// Whatever runs in it ends with it.
pub(crate) struct Home {
    directory: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("bench-").tempdir().expect("a temporary directory");
        succeed(&mut anet::command(directory.path(), &["supervisor", "start"])).expect("the supervisor starts");
        Self { directory }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn anet(&self, arguments: &[&str]) -> Command {
        anet::command(self.path(), arguments)
    }

    /// Writes a program's files, as `anet run` does, and starts it.
    pub(crate) fn run(&self, name: &str, command: &[String]) {
        let directory = self.path().join(".anet/programs").join(name);
        std::fs::create_dir_all(&directory).expect("the directory is made");
        let config = json!({"command": command, "directory": self.path(), "tells_ready": false, "env": {}});
        std::fs::write(directory.join("config.json"), config.to_string()).expect("the file is written");
        self.post(&format!("/v1/nodes/{name}/start"));
    }

    /// Several programs, started by as many clients as a person's command is.
    pub(crate) fn run_all(&self, names: &[String], command: &[String]) {
        std::thread::scope(|scope| {
            for names in names.chunks(names.len().div_ceil(8)) {
                scope.spawn(move || names.iter().for_each(|name| self.run(name, command)));
            }
        });
    }

    /// An answer that is not a refusal.
    pub(crate) fn get(&self, path: &str) -> Value {
        self.ask("GET", path, "").unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn post(&self, path: &str) -> Value {
        let body = json!({"project": self.path()}).to_string();
        self.ask("POST", path, &body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// How long one question takes, on a connection of its own, in milliseconds. A question that is cut off is asked again.
    pub(crate) fn time_of_a_call(&self) -> f64 {
        let began = now();
        while !self.exchange("GET", "/v1/nodes", "").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            assert!(now() - began < LONGEST_CALL, "the supervisor does not answer");
        }
        now() - began
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<Value, String> {
        let text = self.exchange(method, path, body).map_err(|error| error.to_string())?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no answer")?;
        if head.starts_with("HTTP/1.1 200") {
            serde_json::from_str(body).map_err(|error| error.to_string())
        } else {
            Err(text)
        }
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> std::io::Result<String> {
        let mut text = String::new();
        self.request(method, path, body)?.read_to_string(&mut text)?;
        Ok(text)
    }

    /// A connection on which the answer comes.
    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> std::io::Result<UnixStream> {
        let mut stream = UnixStream::connect(self.socket())?;
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n");
        let kind = format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all((head + &kind).as_bytes())?;
        Ok(stream)
    }

    fn socket(&self) -> PathBuf {
        self.path().join(".anet/run/supervisor.sock")
    }

    pub(crate) fn supervisor(&self) -> u32 {
        anet::supervisor(self.path())
    }

    /// The supervisor's own process.
    pub(crate) fn group(&self) -> ProcessGroup {
        ProcessGroup::only(self.supervisor())
    }

    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.supervisor())).expect("the supervisor runs").count()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Err(error) = succeed(&mut self.anet(&["supervisor", "stop"])) {
            println!("{error}; killed: {}", sweep(self.path()));
        }
    }
}

/// Names of programs, numbered from `from`.
pub(crate) fn names(from: usize, count: usize) -> Vec<String> {
    (from..from + count).map(|number| format!("n{number:04}")).collect()
}

/// A program that does nothing for ever.
pub(crate) fn sleeper() -> Vec<String> {
    vec!["/bin/sleep".to_owned(), "100000".to_owned()]
}

/// A program of the shell.
pub(crate) fn shell(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
}
