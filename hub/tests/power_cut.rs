//! What the hub has answered is on disk: its power is cut under load, again and again, on one database.
//!
//! A hub runs with `power_cut/shim.c` preloaded, which records every write until the file is synced. It is killed with
//! SIGKILL, the writes that it had not synced are taken back, and a new hub opens what is left. `kill -9` alone proves
//! nothing here, because the kernel still writes what the hub had not synced.

#[path = "power_cut/database.rs"]
mod database;
#[path = "power_cut/disk.rs"]
mod disk;
#[path = "power_cut/server.rs"]
mod server;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fmt, fs};

use tempfile::TempDir;

use crate::disk::{Chance, beside, cut_power};
use crate::server::{Kill, Server};

const SENDERS: usize = 16;

#[tokio::test]
async fn with_full_durability_no_power_cut_loses_an_answered_task() {
    let rig = Rig::new().await;
    let mut tally = Tally::default();
    for cut in 0..12 {
        rig.cut_once("full", cut, &mut tally).await;
    }
    println!("full: {tally}");
    assert_eq!(tally.lost, 0, "answered tasks are gone");
}

/// The control: were nothing lost here, the test above would pass for want of power cuts.
#[tokio::test]
async fn with_normal_durability_the_same_power_cuts_lose_answered_tasks() {
    let rig = Rig::new().await;
    let mut tally = Tally::default();
    for cut in 0..12 {
        rig.cut_once("normal", cut, &mut tally).await;
        if tally.lost > 0 {
            break;
        }
    }
    println!("normal: {tally}");
    assert!(tally.lost > 0, "nothing was lost without syncs: the rig does not cut the power");
}

#[tokio::test]
async fn a_power_cut_takes_back_exactly_what_was_not_synced() {
    let rig = Rig::new().await;
    let synced = rig.files();

    // Too few answers for a checkpoint, so that nothing is synced.
    let kill = Kill::AfterAnswers(10);
    let server = Server::start(&rig.database, "normal", Some((&rig.shim, kill))).await;
    server.send_until(kill, 1, &rig.token).await;
    let written = rig.files();
    assert!(written != synced, "nothing was written");

    let log = beside(&rig.database, "-wal.unsynced");
    let recorded = fs::read(&log).unwrap();
    assert!(cut_power(&rig.database, || false).unwrap() > 0);
    assert!(rig.files() == synced, "something that was not synced is still there");

    fs::write(&log, recorded).unwrap();
    cut_power(&rig.database, || true).unwrap();
    assert!(rig.files() == written, "what the disk kept is not what was written");
}

/// A database with an account and a node, and the recorder.
struct Rig {
    /// Deleted with the rig.
    _directory: TempDir,
    database: PathBuf,
    shim: PathBuf,
    token: String,
}

/// What came of the cuts on one database.
#[derive(Default)]
struct Tally {
    /// The tasks that were answered and not seen to be lost.
    kept: HashSet<String>,
    lost: usize,
    /// The writes that the cuts found without a sync.
    unsynced: usize,
}

impl Rig {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        // The shim compares with the names that the kernel gives.
        let path = directory.path().canonicalize().expect("the directory exists");
        let shim = compile_shim(&path);
        let database = path.join("hub.db");
        let server = Server::start(&database, "full", None).await;
        let token = server.register().await;
        server.kill().await;
        Self { _directory: directory, database, shim, token }
    }

    /// One life of a hub under load, its end by a power cut, and a look at what the next hub finds. The number of the
    /// `cut` decides where it falls and what the disk keeps.
    async fn cut_once(&self, durability: &str, cut: u64, tally: &mut Tally) {
        let mut chance = Chance(cut);
        let kill = match cut % 3 {
            0 => Kill::AfterAnswers(1 + chance.below(600)),
            1 => Kill::BeforeWalChange(100 + chance.below(4000)),
            _ => Kill::BeforeDatabaseChange(1 + chance.below(300)),
        };
        let server = Server::start(&self.database, durability, Some((&self.shim, kill))).await;
        let tasks = server.send_until(kill, SENDERS, &self.token).await;
        tally.kept.extend(tasks.into_iter().map(|task| task.as_str().to_owned()));

        // Half of the cuts take all back; the others leave some sectors, few or most of them.
        let loses_one_in = if cut.is_multiple_of(2) { 1 } else { 2 + chance.below(30) };
        let unsynced = cut_power(&self.database, || chance.below(loses_one_in) != 0).expect("the cut itself fails");
        assert!(unsynced > 0 || matches!(kill, Kill::AfterAnswers(_)), "the shim has not recorded the last change");
        tally.unsynced += unsynced;

        let server = Server::start(&self.database, durability, None).await;
        let stored = database::inspect(&self.database).await;
        server.kill().await;
        let answered = tally.kept.len();
        tally.kept.retain(|task| stored.contains(task));
        tally.lost += answered - tally.kept.len();
    }

    fn files(&self) -> [Vec<u8>; 2] {
        [self.database.clone(), beside(&self.database, "-wal")].map(|file| fs::read(file).expect("the file is there"))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kept, lost, unsynced } = self;
        write!(formatter, "{} tasks answered, {lost} lost; {unsynced} writes not synced", kept.len() + lost)
    }
}

fn compile_shim(directory: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_cut/shim.c");
    let shim = directory.join("shim.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-shared", "-fPIC", "-o"]).args([&shim, &source]);
    assert!(compiler.status().expect("a C compiler named cc is needed").success(), "{compiler:?} failed");
    shim
}
