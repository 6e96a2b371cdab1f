//! Whole examinations of small homes, against a hub that says what a test wants.

mod hub;
mod machine;
mod nodes;
mod supervisor;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anet_protocol::Clock;
use anet_protocol::control::SupervisorStatus;
use anet_protocol::time::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// 2027-01-15 08:00:00 UTC.
const NOW: i64 = 1_800_000_000_000;

const VERSION: &str = "1.2.3";

struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(NOW)
    }
}

/// A home with one project, and a hub that answers by path.
pub(super) struct Scene {
    directory: tempfile::TempDir,
    pub(super) patient: Patient,
}

impl Scene {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (home, project) = (directory.path().join("home/.anet"), directory.path().join("project"));
        std::fs::create_dir_all(&home).unwrap();
        std::fs::create_dir(&project).unwrap();
        close(&home);
        let patient = Patient {
            user_home: Some(directory.path().join("home")),
            database: directory.path().join("home/.commhub/commhub.db"),
            directory: project,
            home,
            environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
            version: VERSION.to_owned(),
            hub: None,
            token: None,
            token_problem: None,
            names: Vec::new(),
            supervisor: SupervisorSight::NotRunning,
            references: Vec::new(),
            plan: None,
            store: StoreSight::Absent,
            clock: Arc::new(StandingClock),
        };
        Self { directory, patient }
    }

    fn project(&self) -> PathBuf {
        self.patient.directory.clone()
    }

    /// Writes a node's `config.json`.
    fn node(&self, project: &Path, name: &str, config: &Value) -> PathBuf {
        let directory = project.join(".anet/nodes").join(name);
        std::fs::create_dir_all(&directory).unwrap();
        close(&project.join(".anet/nodes"));
        close(&directory);
        write(&directory.join("config.json"), &config.to_string());
        directory
    }

    /// What the check finds wrong: severity, text, whether it can be repaired.
    async fn bad(&self, check: &str) -> Vec<(Severity, String, bool)> {
        let findings = examine(&self.patient).await;
        let of_check = findings.into_iter().filter(|finding| finding.check == check);
        let bad = of_check.filter(|finding| finding.severity >= Severity::Warning);
        bad.map(|finding| {
            assert!(finding.why.is_some() && finding.command.is_some(), "{finding:?}");
            (finding.severity, finding.seen, finding.repair.is_some())
        })
        .collect()
    }

    /// The one thing that the check finds wrong.
    async fn one(&self, check: &str) -> (Severity, String, bool) {
        let mut found = self.bad(check).await;
        assert_eq!(found.len(), 1, "{check}: {found:?}");
        found.remove(0)
    }

    /// A supervisor that says this of its nodes.
    fn supervised(&mut self, nodes: &Value) {
        let status: SupervisorStatus = serde_json::from_value(json!({
            "control_version": 2, "version": VERSION, "pid": std::process::id(), "executable": "/bin/sh",
            "executable_is_current": true, "since": "2027-01-15 07:00:00", "home": self.patient.home,
            "hub": {
                "state": "stopped", "pid": null, "desired": "stopped", "url": null, "database": null, "restarts": 0,
                "process": { "state": "stopped", "since": "2027-01-15 07:00:00" },
            },
            "nodes": nodes,
        }))
        .unwrap();
        self.patient.supervisor = SupervisorSight::Running(Box::new(status));
    }
}

fn close(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if path.is_dir() { 0o700 } else { 0o600 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    close(path);
}

/// What a hub of this version says of itself.
fn health(version: &str, api_version: &str) -> String {
    json!({
        "ok": true, "version": version, "api_version": api_version, "auth": "user-token", "security": "secured",
        "v3_auth": true, "multi_network": true, "sse_connections": 0, "uptime": 1, "capabilities": [],
    })
    .to_string()
}

/// A server that answers each path with a status and a body, and everything else with 404; gives its address.
async fn serve(answers: &[(&str, u16, &str)], date: Option<&str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let date = date.map_or_else(String::new, |date| format!("Date: {date}\r\n"));
    let answers: HashMap<String, (u16, String)> =
        answers.iter().map(|(path, status, body)| ((*path).to_owned(), (*status, (*body).to_owned()))).collect();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answers, date) = (answers.clone(), date.clone());
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                let (status, body) = answers.get(&path).cloned().unwrap_or((404, "{}".to_owned()));
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} X\r\n{date}Connection: close\r\nContent-Length: {length}\r\n\r\n");
                drop(stream.write_all(format!("{head}{body}").as_bytes()).await);
            });
        }
    });
    format!("http://{address}")
}

/// A token of a form that no hub refuses by its look.
fn node_token() -> String {
    use secrecy::ExposeSecret as _;

    struct Zeros;
    impl anet_protocol::Entropy for Zeros {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }
    anet_protocol::token::mint(anet_protocol::token::TokenKind::Node, &Zeros).expose_secret().to_owned()
}
