use anet_supervisor::Login;
use anet_supervisor::token_repair::{Cause, Probe, RepairOutcome};
use serde_json::json;

use crate::bench::{Bench, refused, text};

#[track_caller]
fn attention(outcome: &RepairOutcome) -> (String, String) {
    let RepairOutcome::NeedsAttention { reason, hint } = outcome else { panic!("{outcome:?}") };
    (reason.clone(), hint.clone())
}

#[track_caller]
fn blocked(outcome: &RepairOutcome) -> (String, String) {
    let RepairOutcome::AuthBlocked { reason, hint } = outcome else { panic!("{outcome:?}") };
    (reason.clone(), hint.clone())
}

#[tokio::test]
async fn a_dead_login_blocks_the_repair_and_says_so() {
    let mut bench = Bench::new().await;
    let before = bench.lose_token().await;
    let alive = bench.login.clone();
    for token in [Some("utok_0123456789abcdef0123456789abcdef".into()), None] {
        bench.login.token = token;
        let (reason, hint) = blocked(&bench.repaired(refused(&before)).await);
        assert!(reason.contains("login is refused") || reason.contains("nobody is logged in"), "{reason}");
        assert_eq!(hint, format!("anet login --hub {}", bench.url));
    }
    assert_eq!(bench.token(), before, "the configuration is as it was");
    bench.login = alive;
    assert!(matches!(bench.repaired(refused(&before)).await, RepairOutcome::Repaired { .. }));
    bench.end().await;
}

#[tokio::test]
async fn a_login_is_never_sent_to_another_hub_and_never_becomes_the_nodes_token() {
    let mut bench = Bench::new().await;
    let before = bench.lose_token().await;
    bench.login = Login { hub: "https://hub.example".to_owned(), ..bench.login.clone() };
    let (reason, _) = blocked(&bench.repaired(refused(&before)).await);
    assert!(reason.contains("the login is for https://hub.example"), "{reason}");
    assert_eq!(bench.token(), before);
    bench.end().await;
}

#[tokio::test]
async fn the_network_is_the_nodes_own_whatever_the_person_uses_now() {
    let bench = Bench::new().await;
    let (_, other) = bench.as_person("POST", "/api/networks", Some(json!({"name": "other"}))).await;
    assert_ne!(text(&other["network_id"]), bench.network_id);
    let before = bench.lose_token().await;
    // A file of the older tools names no network; the hub knows it.
    bench.change_config(|config| drop(config.as_object_mut().unwrap().shift_remove("network_id")));
    let outcome = bench.repaired(refused(&before)).await;
    let RepairOutcome::Repaired { network_id, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(network_id.as_str(), bench.network_id);
    assert_eq!(bench.config()["network_id"], bench.network_id);

    let before = bench.lose_token().await;
    bench.change_config(|config| config["network_id"] = other["network_id"].clone());
    let (reason, hint) = attention(&bench.repaired(refused(&before)).await);
    assert!(reason.contains(&bench.network_id) && hint.contains("network_id"), "{reason} {hint}");
    assert_eq!(bench.node_tokens().await.len(), 0, "nothing is minted on a guess");
    bench.end().await;
}

#[tokio::test]
async fn a_node_that_was_deleted_at_the_hub_does_not_come_back_by_itself() {
    let bench = Bench::new().await;
    let before = bench.token();
    assert_eq!(bench.as_person("DELETE", &format!("/api/nodes/{}", bench.node_id), None).await.0, 200);
    let (reason, hint) = attention(&bench.repaired(refused(&before)).await);
    assert!(reason.contains("deleted") && hint.contains("anet node delete writer"), "{reason} {hint}");
    let (_, nodes) = bench.as_person("GET", "/api/nodes", None).await;
    assert_eq!(nodes["count"], 0);
    bench.end().await;
}

#[tokio::test]
async fn a_membership_that_ended_needs_a_person() {
    let mut bench = Bench::new().await;
    let before = bench.lose_token().await;
    let bob = bench.register("bob").await;
    bench.login.token = Some(text(&bob["token"]).into());
    let (reason, hint) = attention(&bench.repaired(refused(&before)).await);
    assert!(reason.contains("bob is not a member") && hint.contains("anet login"), "{reason} {hint}");
    bench.end().await;
}

#[tokio::test]
async fn a_missing_or_foreign_token_in_the_file_is_replaced_by_the_nodes_own() {
    let bench = Bench::new().await;
    let person = bench.login.token.as_ref().map(|token| secrecy::ExposeSecret::expose_secret(token).to_owned());
    for token in [None, person.as_deref(), Some("an old word"), Some("ntok_cut")] {
        bench.change_config(|config| match token {
            Some(token) => config["token"] = token.into(),
            None => drop(config.as_object_mut().unwrap().shift_remove("token")),
        });
        let probed = bench.probe().await;
        assert!(!matches!(probed, Probe::Valid { .. } | Probe::Unreachable { .. }), "{probed:?}");
        let outcome = bench.repaired(Cause::Check).await;
        assert!(matches!(outcome, RepairOutcome::Repaired { .. }), "{outcome:?}");
        assert!(bench.token().starts_with("ntok_"));
        assert_eq!(bench.node_tokens().await.len(), 1, "the one that the file had lost is revoked");
    }
    bench.end().await;
}

#[tokio::test]
async fn a_token_of_another_node_is_told_and_not_replaced() {
    let bench = Bench::new().await;
    let body = json!({"network_id": bench.network_id, "node_name": "reader"});
    let (_, other) = bench.as_person("POST", "/api/auth/node-token", Some(body)).await;
    bench.change_config(|config| config["token"] = other["token"].clone());
    let (reason, hint) = attention(&bench.repaired(Cause::Check).await);
    assert!(reason.contains(&text(&other["node_id"])) && hint.contains("copied"), "{reason} {hint}");
    bench.end().await;
}

#[tokio::test]
async fn a_hub_that_is_away_changes_nothing() {
    let bench = Bench::new().await;
    let before = bench.token();
    bench.change_config(|config| config["hub"] = "http://127.0.0.1:1".into());
    let probed = bench.probe().await;
    assert!(matches!(probed, Probe::Unreachable { .. }), "{probed:?}");
    let outcome = bench.repaired(refused(&before)).await;
    assert!(matches!(outcome, RepairOutcome::Later { .. }), "{outcome:?}");
    assert_eq!(bench.token(), before);
    bench.end().await;
}
