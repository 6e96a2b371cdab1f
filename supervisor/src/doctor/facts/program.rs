//! The programs that nodes run, and what those say of themselves. Only vendors' programs are started, never a node's own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anet_protocol::node_config::Runtime;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;

use super::node::NodeFacts;
use crate::doctor::patient::Patient;
use crate::environment::allowed;

/// How long a program may take to say its version or whether somebody is logged in.
const PATIENCE: Duration = Duration::from_secs(5);

/// The vendors' programs that are known, with the file of their login below the home directory.
pub(in crate::doctor) const VENDORS: [Vendor; 4] = [
    Vendor { program: "claude", login_file: ".claude/.credentials.json", log_in: "claude auth login", asks: None },
    Vendor {
        program: "codex",
        login_file: ".codex/auth.json",
        log_in: "codex login",
        asks: Some(&["login", "status"]),
    },
    Vendor { program: "grok", login_file: ".grok/user-settings.json", log_in: "grok login", asks: None },
    Vendor { program: "bun", login_file: "", log_in: "", asks: None },
];

/// A vendor's program.
#[derive(Clone, Copy, Debug)]
pub(in crate::doctor) struct Vendor {
    pub(in crate::doctor) program: &'static str,
    /// Below the home directory; empty where there is no login.
    pub(in crate::doctor) login_file: &'static str,
    pub(in crate::doctor) log_in: &'static str,
    /// The arguments with which it says by its exit code whether somebody is logged in.
    pub(in crate::doctor) asks: Option<&'static [&'static str]>,
}

/// A program that nodes run, or a vendor's.
#[derive(Debug)]
pub(in crate::doctor) struct ProgramFacts {
    /// As it is written.
    pub(in crate::doctor) name: String,
    /// The names of the nodes that run it.
    pub(in crate::doctor) nodes: Vec<String>,
    pub(in crate::doctor) place: Place,
    pub(in crate::doctor) vendor: Option<VendorFacts>,
}

/// Where a program is.
#[derive(Debug)]
pub(in crate::doctor) enum Place {
    Missing,
    /// It is there, and cannot be executed.
    NotExecutable(PathBuf),
    At(PathBuf),
}

/// What a vendor's program says of itself.
#[derive(Debug)]
pub(in crate::doctor) struct VendorFacts {
    pub(in crate::doctor) vendor: Vendor,
    /// Its first line, or why there is none.
    pub(in crate::doctor) version: Result<String, String>,
    pub(in crate::doctor) login: Login,
}

/// Whether somebody is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::doctor) enum Login {
    /// It has none.
    NotNeeded,
    Yes,
    No,
    /// It did not say.
    Unknown,
}

pub(in crate::doctor) async fn look(
    nodes: &[NodeFacts],
    patient: &Patient,
    search_path: Option<&OsString>,
) -> Vec<ProgramFacts> {
    // By place and name, so that `./agent.sh` of two projects are two.
    let mut wanted: BTreeMap<(PathBuf, String), Vec<String>> = BTreeMap::new();
    for node in nodes {
        if let Some(program) = program_of(node) {
            // A program that is no node may have a directory of its own.
            let own = node.fields().and_then(|fields| fields.get("directory")?.as_str());
            let from = own.map_or_else(|| node.project.clone(), |own| node.project.join(own));
            let place = if program.contains('/') { from } else { PathBuf::new() };
            wanted.entry((place, program)).or_default().push(node.name.clone());
        }
    }
    for vendor in VENDORS {
        wanted.entry((PathBuf::new(), vendor.program.to_owned())).or_default();
    }
    let looked = wanted.into_iter().map(async |((project, name), nodes)| {
        let place = find(&project, &name, search_path);
        let vendor = match &place {
            Place::At(path) => ask_vendor(path, patient, search_path).await,
            Place::Missing | Place::NotExecutable(_) => None,
        };
        ProgramFacts { name, nodes, place, vendor }
    });
    futures_util::future::join_all(looked).await
}

/// The program that a node needs.
fn program_of(node: &NodeFacts) -> Option<String> {
    let config = node.config()?;
    match config.runtime().unwrap_or(Runtime::Command) {
        Runtime::Command => config.command()?.into_iter().next(),
        Runtime::ClaudeAgentSdk | Runtime::ClaudeCodeCli => Some("claude".to_owned()),
        Runtime::CodexSdk => Some("codex".to_owned()),
        Runtime::GrokBuildAcp => Some("grok".to_owned()),
    }
}

/// A name without a slash is looked up in the search path, another one from the project.
fn find(project: &Path, name: &str, search_path: Option<&OsString>) -> Place {
    let candidates: Vec<PathBuf> = if name.contains('/') {
        vec![project.join(name)]
    } else {
        search_path.iter().flat_map(|path| std::env::split_paths(path)).map(|entry| entry.join(name)).collect()
    };
    let mut found = Place::Missing;
    for candidate in candidates {
        let Ok(metadata) = std::fs::metadata(&candidate) else { continue };
        if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 {
            return Place::At(candidate);
        }
        if matches!(found, Place::Missing) {
            found = Place::NotExecutable(candidate);
        }
    }
    found
}

async fn ask_vendor(path: &Path, patient: &Patient, search_path: Option<&OsString>) -> Option<VendorFacts> {
    let name = path.file_name()?;
    let vendor = VENDORS.into_iter().find(|vendor| name == OsStr::new(vendor.program))?;
    let version = run(path, &["--version"], patient, search_path, PATIENCE).await;
    let version = version.and_then(|said| {
        let line = said.text.lines().next().unwrap_or_default().trim().to_owned();
        if said.is_success { Ok(line) } else { Err("`--version` failed".to_owned()) }
    });
    let login = match (vendor.asks, &version) {
        _ if vendor.login_file.is_empty() => Login::NotNeeded,
        (Some(arguments), Ok(_)) => match run(path, arguments, patient, search_path, PATIENCE).await {
            Ok(said) if said.is_success => Login::Yes,
            Ok(_) => Login::No,
            Err(_) => Login::Unknown,
        },
        (Some(_), Err(_)) => Login::Unknown,
        (None, _) => match &patient.user_home {
            Some(home) if home.join(vendor.login_file).exists() => Login::Yes,
            Some(_) => Login::No,
            None => Login::Unknown,
        },
    };
    Some(VendorFacts { vendor, version, login })
}

struct Said {
    is_success: bool,
    text: String,
}

/// Runs a program with nothing on its stdin and ends it, with all it has started, when it takes too long.
async fn run(
    program: &Path,
    arguments: &[&str],
    patient: &Patient,
    search_path: Option<&OsString>,
    patience: Duration,
) -> Result<Said, String> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(allowed(&patient.environment)).current_dir("/");
    if let Some(path) = search_path {
        command.env("PATH", path);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0).kill_on_drop(true);
    let child = command.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let group = child.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw);
    let outcome = tokio::time::timeout(patience, child.wait_with_output()).await;
    match outcome {
        Ok(Ok(output)) => Ok(Said {
            is_success: output.status.success(),
            text: String::from_utf8_lossy(&output.stdout[..output.stdout.len().min(4096)]).into_owned(),
        }),
        Ok(Err(error)) => Err(format!("cannot be asked: {error}")),
        Err(_) => {
            if let Some(group) = group {
                // Nothing is left of a group that ended by itself.
                match killpg(group, Signal::SIGKILL) {
                    Ok(()) | Err(nix::errno::Errno::ESRCH) => {}
                    Err(error) => return Err(format!("did not answer, and cannot be ended: {error}")),
                }
            }
            Err(format!("did not answer within {} s", patience.as_secs()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, mode: u32) {
        std::fs::write(path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_program_is_found_as_the_node_would_find_it() {
        let directory = tempfile::tempdir().unwrap();
        let (first, second) = (directory.path().join("first"), directory.path().join("second"));
        std::fs::create_dir(&first).unwrap();
        std::fs::create_dir(&second).unwrap();
        let path = std::env::join_paths([&first, &second]).unwrap();
        assert!(matches!(find(directory.path(), "agent", Some(&path)), Place::Missing));
        write(&first.join("agent"), 0o644);
        assert!(matches!(find(directory.path(), "agent", Some(&path)), Place::NotExecutable(_)));
        write(&second.join("agent"), 0o755);
        assert!(matches!(find(directory.path(), "agent", Some(&path)), Place::At(found) if found.starts_with(&second)));
        assert!(matches!(find(&second, "./agent", None), Place::At(_)));
        assert!(matches!(find(&first, "./agent", None), Place::NotExecutable(_)));
        assert!(matches!(find(directory.path(), "./agent", None), Place::Missing));
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_with_all_it_has_started() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("claude");
        let mark = directory.path().join("helper");
        // The helper's process id is written before the program hangs.
        let script = format!("#!/bin/sh\nsleep 1000 &\necho $! > {0}.new; mv {0}.new {0}\nwait\n", mark.display());
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let scene = crate::doctor::tests::Scene::new();
        let said = run(&program, &[], &scene.patient, None, Duration::from_secs(2)).await;
        assert_eq!(said.err().as_deref(), Some("did not answer within 2 s"));
        let helper: u32 = std::fs::read_to_string(&mark).unwrap().trim().parse().unwrap();
        let is_gone = || crate::system::process_entry::ProcessEntry::read(helper).is_none_or(|entry| entry.is_dead);
        tokio::time::timeout(Duration::from_secs(30), async {
            while !is_gone() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the helper is gone");
    }
}
