use std::path::PathBuf;
use std::time::Duration;

use anet_protocol::Entropy;
use anet_supervisor::Login;
use anet_supervisor::token_repair::{Cause, NodeAccount, Probe, Repair, RepairOutcome, probe};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scripted_hub::{Answer, LOGIN, NETWORK, NEW, NODE, OLD, ScriptedHub};

const ME: &str = "GET /api/auth/me";
const MINT: &str = "POST /api/auth/node-token";

struct Zeroes;

impl Entropy for Zeroes {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

struct Bench {
    hub: ScriptedHub,
    login: Login,
    directory: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let hub = ScriptedHub::new().await;
        let url = format!("http://{}", hub.address);
        let bench =
            Self { login: Login { hub: url, token: Some(LOGIN.into()) }, hub, directory: tempfile::tempdir().unwrap() };
        let config = json!({"node_id": NODE, "node_name": "writer", "token": OLD, "network_id": NETWORK, "other": 1});
        std::fs::write(bench.config_path(), config.to_string()).unwrap();
        bench
    }

    fn config_path(&self) -> PathBuf {
        self.directory.path().join("config.json")
    }

    fn token(&self) -> String {
        let config: Value = serde_json::from_str(&std::fs::read_to_string(self.config_path()).unwrap()).unwrap();
        config["token"].as_str().unwrap().to_owned()
    }

    async fn repaired(&self) -> RepairOutcome {
        Repair::new(self.directory.path(), &self.login, Cause::Refused(OLD.into()), &Zeroes).run().await.unwrap()
    }

    async fn probe(&self) -> Probe {
        probe(&NodeAccount::read(self.directory.path(), &self.login).unwrap()).await.unwrap()
    }
}

/// Everything that is neither a success nor a 401.
fn passing() -> Vec<Answer> {
    vec![
        Answer::Later(429, 30),
        Answer::Later(503, 30),
        Answer::Html(500),
        Answer::Html(502),
        Answer::Html(504),
        Answer::Html(200),
        Answer::Nonsense,
        Answer::Half,
        Answer::Reset,
    ]
}

#[tokio::test]
async fn only_a_401_replaces_a_token() {
    let others = [Answer::Html(403), Answer::Html(404), Answer::Html(405), Answer::Redirect("http://else/".into())];
    for answer in passing().into_iter().chain(others) {
        let bench = Bench::new().await;
        bench.hub.script(ME, [answer.clone(), answer.clone()]);
        let probed = bench.probe().await;
        assert!(matches!(probed, Probe::Forbidden { .. } | Probe::Unreachable { .. }), "{answer:?}: {probed:?}");
        let outcome = bench.repaired().await;
        let is_left = matches!(outcome, RepairOutcome::Later { .. } | RepairOutcome::NeedsAttention { .. });
        assert!(is_left, "{answer:?}: {outcome:?}");
        assert_eq!((bench.token().as_str(), bench.hub.minted()), (OLD, 0), "{answer:?}");
        let asked = bench.hub.asked();
        assert!(asked.iter().all(|(_, token)| token != LOGIN), "{answer:?}: nothing is asked in the person's name");
        assert_eq!(asked.len(), 2, "{answer:?}: one request each, never repeated at once");
    }
}

#[tokio::test]
async fn nobody_that_a_hub_redirects_to_is_asked_anything() {
    let elsewhere = ScriptedHub::new().await;
    for request in [ME, "GET /api/nodes", MINT, "GET /api/auth/tokens"] {
        let bench = Bench::new().await;
        bench.hub.script(request, [Answer::Redirect(format!("http://{}/api/auth/me", elsewhere.address))]);
        bench.repaired().await;
        let asked = bench.hub.asked();
        assert!(asked.iter().any(|(asked, _)| asked == request), "{request} is redirected: {asked:?}");
        assert_eq!(elsewhere.asked(), [], "{request}");
    }
}

#[tokio::test]
async fn a_hub_that_hangs_or_drips_is_not_waited_for_and_changes_nothing() {
    for request in [ME, "GET /api/nodes", MINT] {
        for answer in [Answer::Hang, Answer::Drip] {
            let bench = Bench::new().await;
            bench.hub.script(request, [answer.clone()]);
            let mut repair = Repair::new(bench.directory.path(), &bench.login, Cause::Check, &Zeroes);
            repair.patience = Duration::from_millis(200);
            let outcome = repair.run().await.unwrap();
            assert!(matches!(outcome, RepairOutcome::Later { .. }), "{request} {answer:?}: {outcome:?}");
            assert_eq!(bench.token(), OLD);
        }
    }
}

#[tokio::test]
async fn a_403_is_told_and_what_the_hub_asks_for_is_passed_on() {
    let bench = Bench::new().await;
    bench.hub.script(ME, [Answer::Html(403), Answer::Later(429, 30)]);
    assert!(matches!(bench.probe().await, Probe::Forbidden { .. }));
    let probed = bench.probe().await;
    let Probe::Unreachable { retry_after, .. } = probed else { panic!("{probed:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_with_few_requests() {
    let bench = Bench::new().await;
    let repair = Repair::new(bench.directory.path(), &bench.login, Cause::Refused(OLD.into()), &Zeroes);
    let repaired = repair.run_counted().await.unwrap();
    assert!(matches!(repaired.outcome, RepairOutcome::Repaired { .. }), "{repaired:?}");
    assert_eq!((bench.token().as_str(), bench.hub.minted()), (NEW, 1));
    let asked: Vec<String> = bench.hub.asked().into_iter().map(|(request, _)| request).collect();
    assert_eq!(asked, [ME, ME, "GET /api/nodes", MINT, ME, "GET /api/auth/tokens"]);
    assert_eq!(repaired.requests, 6);
}

#[tokio::test]
async fn whatever_goes_wrong_after_the_login_is_checked_leaves_the_old_token_and_is_mended_later() {
    // The first look at the node's token and the login's are answered regularly.
    for request in ["GET /api/nodes", MINT] {
        for answer in passing() {
            let bench = Bench::new().await;
            bench.hub.script(request, [answer.clone()]);
            let outcome = bench.repaired().await;
            assert!(matches!(outcome, RepairOutcome::Later { .. }), "{request} {answer:?}: {outcome:?}");
            assert_eq!(bench.token(), OLD, "{request} {answer:?}");
            assert!(matches!(bench.repaired().await, RepairOutcome::Repaired { .. }), "{request} {answer:?}");
            assert_eq!(bench.token(), NEW);
        }
    }
}

#[tokio::test]
async fn a_right_that_is_missing_is_told_and_not_asked_for_again() {
    let bench = Bench::new().await;
    let body = json!({"ok": false, "error": "no write access to this network", "code": "permission_denied"});
    bench.hub.script(MINT, [Answer::Json(403, body)]);
    let outcome = bench.repaired().await;
    let RepairOutcome::NeedsAttention { reason, .. } = &outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("no write access"), "{reason}");
    assert_eq!(bench.token(), OLD);
}

#[tokio::test]
async fn a_new_token_that_the_hub_refuses_never_reaches_the_configuration() {
    let bench = Bench::new().await;
    let refused = || Answer::Json(401, json!({"ok": false, "error": "invalid token", "code": "invalid_token"}));
    let person = || {
        let user = json!({"user_id": "u_1", "username": "ann", "display_name": null, "email": null, "role": "admin"});
        let credential = json!({"kind": "user", "scope": "user", "token_id": "tok_u", "node_id": null});
        Answer::Json(
            200,
            json!({
                "ok": true, "user": user, "networks": [], "current_network": null, "credential": credential,
            }),
        )
    };
    bench.hub.script(ME, [refused(), person(), refused()]);
    let outcome = bench.repaired().await;
    assert!(matches!(&outcome, RepairOutcome::Later { .. }), "{outcome:?}");
    assert_eq!(bench.token(), OLD);
    assert!(bench.hub.asked().iter().any(|(request, _)| request == "DELETE /api/auth/tokens/tok_new"), "it is revoked");
}

#[tokio::test]
async fn no_outcome_tells_a_token() {
    for answer in passing().into_iter().chain([Answer::Html(401), Answer::Html(403)]) {
        let bench = Bench::new().await;
        bench.hub.script(MINT, [answer]);
        let told = format!("{:?}", bench.repaired().await);
        assert!(!told.contains(LOGIN) && !told.contains(OLD) && !told.contains(NEW), "{told}");
    }
}
