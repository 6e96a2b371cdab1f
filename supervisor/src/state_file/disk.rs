//! The state on disk: `state.json`, which survives the machine's end, and `state-latest.json`, which survives the
//! supervisor's and costs no wait for the disk.
//!
//! Which process is which means nothing after a reboot, so that every start and end of one need not wait for the
//! disk: the newer of both files counts, and after a reboot `state.json` does.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anet_protocol::time::Timestamp;
use serde::Deserialize;

use super::format::{State, VERSION};
use super::state_text::StateText;
use crate::failpoint::Failpoint;

/// How the names of temporary files begin.
const TEMPORARY: &str = ".state-";

/// The content of `state-latest.json`.
#[derive(Deserialize)]
struct Latest {
    /// The boot in which it was written.
    boot_id: String,
    state: State,
}

/// The file beside `state.json` that is not waited for.
fn latest_path(path: &Path) -> PathBuf {
    path.with_file_name("state-latest.json")
}

/// Writes the state so that it survives this process, and the machine too as long as that is not cut off.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_latest(path: &Path, boot_id: &str, state: &StateText) -> io::Result<()> {
    let mut file = temporary(path)?;
    let text = format!("{{\"boot_id\":{},\"state\":{}}}\n", serde_json::to_string(boot_id)?, state.join());
    file.write_all(text.as_bytes())?;
    file.persist(latest_path(path))?;
    Ok(())
}

/// Writes the state so that it survives the machine: temporary file, fsync, rename, fsync of the directory.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(path: &Path, state: &StateText, failpoint: &Failpoint) -> io::Result<()> {
    let mut file = temporary(path)?;
    // At once: written piece by piece, the state of a hundred nodes takes ten thousand system calls.
    let mut text = state.join();
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    failpoint.pass("state written aside");
    file.persist(path)?;
    failpoint.pass("state renamed");
    File::open(directory(path)?)?.sync_all()
}

fn directory(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| io::Error::other("the path has no directory"))
}

/// Temporary files of this crate are made with mode 0600.
fn temporary(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory(path)?)
}

/// What the files tell.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) state: State,
    /// Whether every start of this boot is among it, so that what is not on record does not run.
    pub(crate) is_complete: bool,
}

/// What `state-latest.json` tells.
enum FoundLatest {
    /// Nothing: it is not there, or was not understood.
    Nothing,
    OfAnotherBoot,
    OfThisBoot(Box<State>),
}

/// The state as a supervisor of this boot left it; `durable` is what stands in `state.json`, if that is understood.
pub(crate) fn newest(path: &Path, boot_id: &str, durable: Option<State>) -> Option<Loaded> {
    let whole = |state| Loaded { state, is_complete: true };
    match (latest(path, boot_id), durable) {
        // A program that knows no sequence wrote `state.json` last, and left the other file as it was.
        (_, Some(durable)) if durable.sequence.is_none() => Some(whole(durable)),
        (FoundLatest::OfThisBoot(latest), Some(durable)) if latest.sequence <= durable.sequence => Some(whole(durable)),
        (FoundLatest::OfThisBoot(latest), _) => Some(whole(*latest)),
        (FoundLatest::OfAnotherBoot, Some(durable)) => Some(whole(durable)),
        (FoundLatest::Nothing, Some(durable)) => Some(Loaded { state: durable, is_complete: false }),
        (FoundLatest::Nothing | FoundLatest::OfAnotherBoot, None) => None,
    }
}

fn latest(path: &Path, boot_id: &str) -> FoundLatest {
    let path = latest_path(path);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return FoundLatest::Nothing,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the latest state cannot be read");
            return FoundLatest::Nothing;
        }
    };
    match serde_json::from_slice::<Latest>(&text) {
        Ok(latest) if latest.boot_id != boot_id => FoundLatest::OfAnotherBoot,
        Ok(latest) if latest.state.version <= VERSION => FoundLatest::OfThisBoot(Box::new(latest.state)),
        // A power cut may have cut it off.
        Ok(_) | Err(_) => FoundLatest::Nothing,
    }
}

/// Reads the state, or begins a new one. A file that cannot be understood is set aside under a name of its own and
/// never overwritten; what runs since this boot is known from the other file then, and is not started twice.
///
/// # Errors
/// When the file exists and can neither be read nor moved.
pub(crate) fn load(path: &Path, executable: &Path, boot_id: &str, now: Timestamp) -> io::Result<Loaded> {
    remove_abandoned_temporary_files(path)?;
    let nothing = || Loaded { state: State::new(executable.to_owned()), is_complete: false };
    let Loaded { state, is_complete } = newest(path, boot_id, durable(path, now)?).unwrap_or_else(nothing);
    Ok(Loaded { state: State { version: VERSION, executable: executable.to_owned(), ..state }, is_complete })
}

/// What stands in `state.json`; `None` if nothing does, or it had to be set aside.
fn durable(path: &Path, now: Timestamp) -> io::Result<Option<State>> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let problem = match serde_json::from_slice::<State>(&text) {
        Ok(state) if state.version <= VERSION => return Ok(Some(state)),
        Ok(state) => format!("its version {} is newer than {VERSION}", state.version),
        Err(error) => error.to_string(),
    };
    let aside = path.with_file_name(format!("state.json.corrupt-{}", now.as_millis()));
    std::fs::rename(path, &aside)?;
    tracing::error!(path = %path.display(), aside = %aside.display(), problem, "the state file was set aside");
    Ok(None)
}

/// A supervisor that died while it wrote leaves its temporary file behind.
fn remove_abandoned_temporary_files(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent() else { return Ok(()) };
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(TEMPORARY)) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use anet_protocol::control::Desired;

    use super::*;

    fn load_at(path: &Path, now: i64) -> State {
        load(path, Path::new("/x"), "this boot", Timestamp::from_millis(now)).unwrap().state
    }

    #[test]
    fn the_newer_file_counts_and_after_a_reboot_the_one_that_was_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let state = |executable: &str, sequence| State { sequence, ..State::new(executable.into()) };
        let text = |executable: &str, sequence| StateText::of(&mut state(executable, sequence)).unwrap();
        let durable = |sequence| write(&path, &text("/durable", sequence), &Failpoint::default()).unwrap();
        let latest = |boot: &str, sequence| write_latest(&path, boot, &text("/latest", sequence)).unwrap();
        let complete = std::cell::Cell::new(true);
        let found = || {
            let durable = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let found = newest(&path, "this boot", Some(durable)).unwrap();
            complete.set(found.is_complete);
            found.state
        };
        durable(Some(1));
        assert_eq!(found().executable, Path::new("/durable"));
        assert!(!complete.get(), "what was started in the last second may be missing");
        latest("this boot", Some(2));
        assert_eq!(found(), state("/latest", Some(2)));
        durable(Some(3));
        assert_eq!(found(), state("/durable", Some(3)));
        latest("another boot", Some(4));
        assert_eq!(found(), state("/durable", Some(3)));
        latest("this boot", Some(5));
        durable(None);
        assert_eq!(found(), state("/durable", None), "a program that knows no sequence wrote last");
        durable(Some(3));
        std::fs::write(latest_path(&path), "{\"boot_id\":\"this boot\",\"sta").unwrap();
        assert_eq!(found(), state("/durable", Some(3)));
        assert!(!complete.get());
        latest("another boot", Some(9));
        assert_eq!(found(), state("/durable", Some(3)));
        assert!(complete.get(), "nothing runs since another boot");
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_kept_aside() {
        for text in ["", "{\"version\":1", "[]", "{\"version\":99,\"executable\":\"/x\",\"hub\":null,\"nodes\":[]}"] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("state.json");
            std::fs::write(&path, text).unwrap();
            std::fs::write(directory.path().join(".state-abc"), "{\"ver").unwrap();
            let state = load_at(&path, 7);
            assert_eq!(state, State::new("/x".into()));
            assert_eq!(std::fs::read_to_string(directory.path().join("state.json.corrupt-7")).unwrap(), text);
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn what_runs_is_still_known_when_the_durable_file_is_not_understood_or_gone() {
        for text in [Some("{\"version\":1"), None] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("state.json");
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            let mut left = State { sequence: Some(5), ..State::new("/x".into()) };
            write_latest(&path, "this boot", &StateText::of(&mut left).unwrap()).unwrap();
            assert_eq!(load_at(&path, 7), left);
            let later = load(&path, Path::new("/x"), "another boot", Timestamp::from_millis(8)).unwrap();
            assert_eq!((later.state.sequence, later.is_complete), (None, false));
        }
    }

    #[test]
    fn the_file_of_the_version_with_the_hubs_variables_is_understood() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        std::fs::write(&path, include_str!("../../tests/fixtures/state-version-1-with-variables.json")).unwrap();
        let state = load_at(&path, 0);
        let hub = state.hub.unwrap();
        assert_eq!((hub.settings.variables.0.len(), hub.desired), (1, Desired::Stopped));
        let desired: Vec<_> = state.nodes.iter().map(|node| node.desired).collect();
        assert_eq!(desired, [Desired::Running, Desired::Stopped]);
        assert!(state.nodes[0].process.as_ref().unwrap().leader.is_none());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "it was set aside");
    }

    #[test]
    fn the_first_version_of_the_file_is_understood() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        std::fs::write(&path, include_str!("../../tests/fixtures/state-version-1.json")).unwrap();
        let state = load_at(&path, 0);
        assert_eq!(state.hub.unwrap().settings.listen.port(), 9200);
        assert_eq!(state.nodes[0].process.as_ref().unwrap().leader.unwrap().start_time, 123_456);
    }
}
