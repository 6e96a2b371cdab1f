//! Shows that each attacker's test can fail: `cargo run -p anet-tests --example controls -- [WORD | --every N]`.
//!
//! `hub/src/tests/attackers/controls.toml` names for each attack a test and a fault that the hub must not have. The
//! workspace is copied, each fault is put into the copy, and its test must then fail: a test that stays green shows
//! nothing. A fault whose place is not found exactly once, or with which the hub does not compile, counts as a failure
//! too. With a word only the controls run whose test has it in its name; with `--every N` each N-th one.

#![expect(clippy::print_stdout, reason = "a tool prints what it found")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// A test that is not over by then hangs, which proves nothing.
const LIMIT: Duration = Duration::from_secs(150);

const TABLE: &str = "hub/src/tests/attackers/controls.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    control: Vec<Control>,
}

/// A fault, and the test that must see it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Control {
    /// The whole path of the test.
    test: String,
    /// What is wrong with the hub then, in a line.
    why: String,
    edit: Vec<Edit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: PathBuf,
    /// Stands in the file exactly once.
    old: String,
    new: String,
}

enum Outcome {
    /// With the place in the test that has seen it.
    Red(String),
    Green,
    Other(String),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace is above this package")?;
    let table: Table = toml::from_str(&fs::read_to_string(root.join(TABLE))?)?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let controls = choose(table.control, &arguments)?;
    let copy = Copy::of(root)?;

    println!("{} controls; first the tests as they are", controls.len());
    let program = copy.build()?;
    for test in controls.iter().map(|control| control.test.as_str()).collect::<BTreeSet<_>>() {
        if !matches!(copy.run(&program, test)?, Outcome::Green) {
            return Err(format!("{test} is not green in a hub without any fault, so it shows nothing").into());
        }
    }

    let mut red = 0;
    for (number, control) in controls.iter().enumerate() {
        let began = Instant::now();
        let outcome = copy.with(&control.edit, || copy.run(&copy.build()?, &control.test));
        let told = match outcome {
            Ok(Outcome::Red(place)) => {
                red += 1;
                format!("red at {place}")
            }
            Ok(Outcome::Green) => "GREEN: the test does not see it".to_owned(),
            Ok(Outcome::Other(what)) => format!("NOTHING SHOWN: {what}"),
            Err(error) => format!("NOT TRIED: {error}"),
        };
        let test = control.test.rsplit_once("attackers::").map_or(control.test.as_str(), |(_, test)| test);
        println!("{:3} {:4} s | {test} | {} | {told}", number + 1, began.elapsed().as_secs(), control.why);
    }
    println!("{red} of {} are red", controls.len());
    if red == controls.len() { Ok(()) } else { Err("a test that cannot fail is worth nothing".into()) }
}

fn choose(controls: Vec<Control>, arguments: &[String]) -> Result<Vec<Control>, Box<dyn std::error::Error>> {
    Ok(match arguments {
        [] => controls,
        [flag, every] if flag == "--every" => controls.into_iter().step_by(every.parse()?).collect(),
        [word] => controls.into_iter().filter(|control| control.test.contains(word)).collect(),
        _ => return Err("usage: controls [WORD | --every N]".into()),
    })
}

/// A copy of the workspace, whose dependencies stay compiled from run to run.
struct Copy {
    source: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn of(root: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let place = root.join("target/controls");
        let copy = Self { source: place.join("source"), target: place.join("target") };
        if copy.source.exists() {
            fs::remove_dir_all(&copy.source)?;
        }
        let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output()?;
        for path in String::from_utf8(listed.stdout)?.split_terminator('\0') {
            // One that is deleted and not committed is listed all the same.
            if root.join(path).is_file() {
                let to = copy.source.join(path);
                fs::create_dir_all(to.parent().ok_or("a file is in a directory")?)?;
                // Not `fs::copy`: the copy is to be newer than what was compiled before.
                fs::write(to, fs::read(root.join(path))?)?;
            }
        }
        Ok(copy)
    }

    /// Compiles the hub's tests; tells the program.
    fn build(&self) -> Result<PathBuf, Box<dyn std::error::Error>> {
        let output = Command::new("cargo")
            .args(["test", "-p", "anet-hub", "--lib", "--offline", "--no-run"])
            .current_dir(&self.source)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("ANET_TEST_IMPATIENT", "1")
            .output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let first = told.lines().find(|line| line.starts_with("error")).unwrap_or("no error told");
            return Err(format!("it does not compile: {first}").into());
        }
        let program =
            told.lines().find_map(|line| line.split_once("Executable unittests src/lib.rs (")?.1.strip_suffix(')'));
        Ok(self.source.join(program.ok_or("cargo does not say what it has made")?))
    }

    fn run(&self, program: &Path, test: &str) -> Result<Outcome, Box<dyn std::error::Error>> {
        let output = tempfile::tempfile()?;
        let mut child = Command::new(program)
            .args(["--exact", test])
            .current_dir(self.source.join("hub"))
            .stdout(output.try_clone()?)
            .stderr(Stdio::null())
            .spawn()?;
        let began = Instant::now();
        while child.try_wait()?.is_none() {
            if began.elapsed() > LIMIT {
                child.kill()?;
                child.wait()?;
                return Ok(Outcome::Other("it hangs".to_owned()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut told = String::new();
        let mut output = output;
        std::io::Seek::rewind(&mut output)?;
        std::io::Read::read_to_string(&mut output, &mut told)?;
        if told.contains(&format!("test {test} ... ok")) {
            return Ok(Outcome::Green);
        }
        if told.contains(&format!("test {test} ... FAILED")) {
            let place = told.lines().find_map(|line| line.split_once("panicked at ")?.1.strip_suffix(':'));
            return Ok(Outcome::Red(place.unwrap_or("an unknown place").to_owned()));
        }
        let last = told.lines().rev().find(|line| !line.is_empty()).unwrap_or("it says nothing");
        Ok(Outcome::Other(last.to_owned()))
    }

    /// Puts a fault in for as long as `work` takes.
    fn with<T>(
        &self,
        edits: &[Edit],
        work: impl FnOnce() -> Result<T, Box<dyn std::error::Error>>,
    ) -> Result<T, Box<dyn std::error::Error>> {
        let mut before = BTreeMap::new();
        let mut faulty = BTreeMap::new();
        for edit in edits {
            let path = self.source.join(&edit.file);
            if !before.contains_key(&path) {
                let text = fs::read_to_string(&path)?;
                before.insert(path.clone(), text.clone());
                faulty.insert(path.clone(), text);
            }
            let text = faulty.get_mut(&path).ok_or("it was read above")?;
            let places = text.matches(&edit.old).count();
            if places != 1 {
                return Err(format!("its place is {places} times in {}: {}", edit.file.display(), edit.old).into());
            }
            *text = text.replacen(&edit.old, &edit.new, 1);
        }
        for (path, text) in &faulty {
            fs::write(path, text)?;
        }
        let done = work();
        for (path, text) in &before {
            fs::write(path, text)?;
        }
        done
    }
}
