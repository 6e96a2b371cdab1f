//! A second user: a member of the operators' group, and one who is not (R55, R54).

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Client, Home, Supervisor, not_tried, zoo_child};

/// A user and a group of whom no machine needs to know.
const MEMBER: u32 = 60_001;
const STRANGER: u32 = 60_002;
const GROUP: u32 = 54_321;

/// A supervisor with a group of operators.
struct Operated {
    home: Home,
    supervisor: Supervisor,
    /// Where everybody may look for the socket.
    place: TempDir,
}

impl Operated {
    async fn new() -> Self {
        let home = Home::new();
        let place = tempfile::tempdir().unwrap();
        std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        home.node("a", &["ready", "sleep"]);
        std::fs::create_dir_all(home.path()).unwrap();
        let socket = place.path().join("ops/operators.sock");
        let text =
            format!("[supervisor]\noperator-group = \"{}\"\noperator-socket = \"{}\"\n", group(), socket.display());
        std::fs::write(home.path().join("supervisor.toml"), text).unwrap();
        let supervisor = home.supervise().await;
        let operated = Self { home, supervisor, place };
        crate::harness::eventually("operators are served", async || {
            let status = operated.client().get("/v1/status").await;
            assert!(status["operators"]["problem"].is_null(), "{status}");
            operated.socket().exists().then_some(())
        })
        .await;
        operated
    }

    fn socket(&self) -> PathBuf {
        self.place.path().join("ops/operators.sock")
    }

    fn client(&self) -> &Client {
        &self.supervisor.client
    }

    /// What a user with no other group is answered at the operators' socket: status and body.
    async fn ask(&self, uid: u32, gid: u32, request: &str, body: Value) -> (u16, Value) {
        let answer = ask_at(&self.socket(), uid, gid, request, &body).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{request}: {answer}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    fn audit_lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.home.path().join("supervisor/audit.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        not_tried("to ask as a member of a group, or as a stranger");
    }
    is_root
}

/// The group of operators: one that only root can give away, else the one that whoever runs the test is in.
fn group() -> u32 {
    if nix::unistd::geteuid().is_root() { GROUP } else { nix::unistd::getegid().as_raw() }
}

async fn ask_at(socket: &Path, uid: u32, gid: u32, request: &str, body: &Value) -> String {
    let body = body.to_string();
    let request =
        format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut command = Command::new(zoo_child());
    command.arg("ask").args([uid.to_string(), gid.to_string()]).arg(socket).arg(request);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn socket_and_directory_of_operators_are_closed_to_all_who_are_no_members() {
    let operated = Operated::new().await;
    let of = |path: &Path| std::fs::metadata(path).map(|found| (found.mode() & 0o7777, found.gid())).unwrap();
    assert_eq!(of(&operated.socket()), (0o660, group()));
    assert_eq!(of(operated.socket().parent().unwrap()), (0o750, group()));
    if is_root() {
        for socket in [operated.socket(), operated.home.path().join("run/supervisor.sock")] {
            let answer = ask_at(&socket, STRANGER, STRANGER, "GET /v1/status", &json!({})).await;
            assert_eq!(answer.trim(), "errno 13", "EACCES at {}", socket.display());
        }
        let own = operated.home.path().join("run/supervisor.sock");
        let answer = ask_at(&own, MEMBER, GROUP, "GET /v1/status", &json!({})).await;
        assert_eq!(answer.trim(), "errno 13", "the owner's own socket is not for members");
    }
    let socket = operated.socket();
    operated.supervisor.shut_down().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_member_looks_starts_stops_and_restarts_what_is_known_and_is_written_down() {
    if !is_root() {
        // Only root can become another user; what the kernel looks at is tested above by everybody.
        return;
    }
    let operated = Operated::new().await;
    operated.client().must_start(&operated.home, "a").await;
    let (status, answer) = operated.ask(MEMBER, GROUP, "GET /v1/nodes", json!({})).await;
    assert_eq!((status, &answer["nodes"][0]["state"]), (200, &json!("running")), "{answer}");
    for verb in ["stop", "start", "restart"] {
        let (status, answer) = operated.ask(MEMBER, GROUP, &format!("POST /v1/nodes/a/{verb}"), json!({})).await;
        assert_eq!((status, &answer["changed"]), (200, &json!(true)), "{verb}: {answer}");
    }
    let lines = operated.audit_lines();
    let told: Vec<_> = lines.iter().map(|line| (&line["action"], &line["by"]["uid"], &line["result"])).collect();
    let (start, member, done) = (json!("start"), json!(MEMBER), json!("done"));
    let expected = [
        (&start, &json!(0), &done),
        (&json!("stop"), &member, &done),
        (&start, &member, &done),
        (&json!("restart"), &member, &done),
    ];
    assert_eq!(told, expected);
    let program = lines[1]["by"]["program"].as_str().unwrap();
    assert!(program.ends_with("zoo_child") && lines[1]["by"]["pid"].as_u64() > Some(1), "{lines:?}");
    assert_eq!((&lines[1]["name"], &lines[1]["project"]), (&json!("a"), &json!(operated.home.project())));
    operated.supervisor.shut_down().await;
}

#[tokio::test]
async fn a_member_cannot_have_anything_run_that_the_owner_has_not_made_known_nor_end_the_supervisor() {
    if !is_root() {
        return;
    }
    let operated = Operated::new().await;
    operated.client().must_start(&operated.home, "a").await;
    let attacker = tempfile::tempdir().unwrap();
    let planted = crate::harness::node_in(attacker.path(), "planted", &["ready", "sleep"]);
    let project = json!({ "project": attacker.path() });
    for verb in ["start", "restart"] {
        let request = format!("POST /v1/nodes/planted/{verb}");
        let (status, answer) = operated.ask(MEMBER, GROUP, &request, project.clone()).await;
        assert_eq!((status, &answer["code"]), (404, &json!("node_not_found")), "{answer}");
    }
    // Nor learn through the owner's eyes what is in a directory.
    let hidden = format!("GET /v1/nodes/planted/references?project={}", attacker.path().display());
    let (status, answer) = operated.ask(MEMBER, GROUP, &hidden, json!({})).await;
    assert_eq!((status, &answer["code"]), (404, &json!("node_not_found")), "{answer}");
    let of_owner = format!("/v1/nodes/planted/references?project={}", attacker.path().display());
    assert_eq!(operated.client().get(&of_owner).await["references"], json!([]));
    let members = json!({"nodes": [{"name": "planted", "project": attacker.path()}]});
    let (_, answer) = operated.ask(MEMBER, GROUP, "POST /v1/fleet/start", members).await;
    assert_eq!(answer["nodes"][0]["refusal"]["code"], "node_not_found", "{answer}");
    let refused = [
        "/v1/nodes/planted/register",
        "/v1/nodes/a/forget",
        "/v1/hub/start",
        "/v1/reload",
        "/v1/upgrade",
        "/v1/shutdown",
        "/v1/elsewhere",
    ];
    for path in refused {
        let (status, answer) = operated.ask(MEMBER, GROUP, &format!("POST {path}"), project.clone()).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert_eq!(status, 403, "{path}: {answer}");
        assert!(error.contains("EACCES") && error.contains("for uid 0 alone"), "{path}: {error}");
    }
    assert!(!planted.join("starts").exists());
    assert_eq!(operated.client().get("/v1/nodes").await["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(operated.client().node("a").await["state"], "running");
    operated.supervisor.shut_down().await;
}

#[tokio::test]
async fn a_reload_opens_and_closes_the_operators_socket_and_a_fault_is_told() {
    let operated = Operated::new().await;
    let file = operated.home.path().join("supervisor.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let reload = async |text: &str| {
        std::fs::write(&file, text).unwrap();
        assert_eq!(operated.client().post("/v1/reload", json!({})).await.0, 200);
    };
    let operators = async |holds: &dyn Fn(&Value) -> bool| {
        crate::harness::eventually("the operators are as the file says", async || {
            let status = operated.client().get("/v1/status").await;
            holds(&status["operators"]).then_some(())
        })
        .await;
    };
    reload("").await;
    operators(&|shown| shown.is_null()).await;
    crate::harness::eventually("the socket is gone", async || (!operated.socket().exists()).then_some(())).await;
    reload("[supervisor]\noperator-group = \"no such group\"\n").await;
    operators(&|shown| shown["problem"].as_str().is_some_and(|problem| problem.contains("no group no such group")))
        .await;
    reload(&text).await;
    operators(&|shown| shown.is_object() && shown["problem"].is_null()).await;
    operated.supervisor.shut_down().await;
}
