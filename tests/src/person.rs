use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::{Run, command};

/// Somebody with a home of their own who talks to a hub that another person runs.
#[derive(Debug)]
pub struct Person {
    /// The person's home directory.
    pub home: PathBuf,
    name: String,
    hub: String,
}

impl Person {
    pub(crate) fn new(directory: &Path, name: &str, hub: &str) -> Self {
        let home = directory.join(name);
        fs::create_dir(&home).expect("the home is made");
        Self { home, name: name.to_owned(), hub: hub.to_owned() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(&self.home, &self.home, arguments);
        command.env("COMMHUB_URL", &self.hub);
        command
    }

    /// Runs `anet …` in the home directory.
    #[track_caller]
    #[must_use]
    pub fn anet(&self, arguments: &[&str]) -> Run {
        self.anet_typing("", arguments)
    }

    /// Runs `anet …` with `input` on its stdin.
    #[track_caller]
    #[must_use]
    pub fn anet_typing(&self, input: &str, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments), input)
    }

    /// Makes an account of the person's name.
    #[track_caller]
    #[must_use]
    pub fn register(&self, arguments: &[&str]) -> Run {
        let arguments = [&["register", "--username", &self.name], arguments].concat();
        self.anet_typing("a long enough passphrase\n", &arguments)
    }
}
