use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use anet_supervisor::token_repair::{Cause, Probe, RepairError, RepairOutcome, Step};
use secrecy::SecretString;

use crate::bench::{Bench, refused};

const STEPS: [Step; 5] = [Step::Minted, Step::Verified, Step::Persisted, Step::Switched, Step::Revoked];

#[tokio::test]
async fn a_refused_token_is_replaced_in_the_nodes_own_network_and_all_else_stays() {
    let bench = Bench::new().await;
    let before = bench.lose_token().await;
    assert!(matches!(bench.probe().await, Probe::Refused { .. }));
    let switched = AtomicUsize::new(0);
    let switch = || {
        switched.fetch_add(1, Ordering::SeqCst);
    };
    let mut repair = bench.repair(refused(&before));
    repair.switch = &switch;
    let outcome = repair.run().await.unwrap();
    let RepairOutcome::Repaired { fingerprint, network_id, token_id, .. } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(network_id.as_str(), bench.network_id);
    assert!(bench.token().ends_with(fingerprint.as_str()) && bench.token() != before);
    assert!(!format!("{outcome:?}").contains(&bench.token()), "only the last six characters are told");
    assert_eq!(switched.into_inner(), 1);
    let Probe::Valid { token_id: probed, .. } = bench.probe().await else { panic!("the new one works") };
    assert_eq!(probed, *token_id);
    let config = bench.config();
    assert_eq!((&config["note"]["kept"][1], &config["last"]), (&2.into(), &serde_json::Value::Null));
    let keys: Vec<_> = config.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["note", "node_id", "node_name", "runtime", "hub", "token", "network_id", "last"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(bench.directory.join("config.json")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(bench.node_tokens().await, [token_id.as_str()]);
    let audit = bench.audit().await;
    let count = |action: &str| audit.iter().filter(|known| *known == action).count();
    assert_eq!((count("node_token_created"), count("token_revoked")), (2, 1), "{audit:?}");
    bench.end().await;
}

#[tokio::test]
async fn a_crash_after_any_step_of_a_repair_leaves_one_working_token_in_the_end() {
    for step in STEPS {
        let bench = Bench::new().await;
        let before = bench.lose_token().await;
        let cut = |done: Step| if done == step { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let mut repair = bench.repair(refused(&before));
        repair.after = &cut;
        let error = repair.run().await.unwrap_err();
        assert!(matches!(error, RepairError::CutOff(at) if at == step), "{error}");
        let persisted = matches!(step, Step::Persisted | Step::Switched | Step::Revoked);
        assert_eq!(matches!(bench.probe().await, Probe::Valid { .. }), persisted, "{step:?}");

        bench.repaired(refused(&before)).await;
        let Probe::Valid { token_id, .. } = bench.probe().await else { panic!("{step:?}: no working token") };
        assert_eq!(bench.node_tokens().await, [token_id.as_str()], "{step:?}: something is left at the hub");
        assert!(!bench.directory.join("token-repair.json").exists(), "{step:?}");
        bench.end().await;
    }
}

#[tokio::test]
async fn a_crash_after_any_step_of_a_rotation_never_leaves_the_node_without_a_working_token() {
    for step in STEPS {
        let bench = Bench::new().await;
        let before = bench.token();
        let cut = |done: Step| if done == step { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let mut repair = bench.repair(Cause::Rotation(SecretString::from(before.as_str())));
        repair.after = &cut;
        repair.run().await.unwrap_err();
        assert!(matches!(bench.probe().await, Probe::Valid { .. }), "{step:?}: the node is without a token");
        bench.repaired(Cause::Check).await;
        let Probe::Valid { token_id, .. } = bench.probe().await else { panic!("{step:?}: no working token") };
        assert_eq!(bench.node_tokens().await, [token_id.as_str()], "{step:?}: something is left at the hub");
        bench.end().await;
    }
}

#[tokio::test]
async fn a_token_that_only_the_running_node_knows_works_until_the_new_one_is_written_down_and_not_longer() {
    for step in STEPS {
        let bench = Bench::new().await;
        let old = bench.token();
        bench.change_config(|config| drop(config.as_object_mut().unwrap().shift_remove("token")));
        let cut = |done: Step| if done == step { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        // Twice: the second finds what the first had left, and is cut off as well.
        for _ in 0..2 {
            let mut repair = bench.repair(Cause::Check);
            repair.after = &cut;
            let cut_off = repair.run().await.is_err();
            let is_persisted = matches!(step, Step::Persisted | Step::Switched | Step::Revoked);
            let (status, _) = bench.call("GET", "/api/auth/me", Some(&old), None).await;
            assert!(is_persisted || (cut_off && status == 200), "{step:?}: the node's token was taken too early");
        }
        bench.repaired(Cause::Check).await;
        let Probe::Valid { token_id, .. } = bench.probe().await else { panic!("{step:?}: no working token") };
        assert_eq!(bench.node_tokens().await, [token_id.as_str()], "{step:?}");
        assert_eq!(bench.call("GET", "/api/auth/me", Some(&old), None).await.0, 401, "{step:?}");
        assert!(!bench.directory.join("token-repair.json").exists(), "{step:?}");
        bench.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_refusals_at_once_mint_one_token() {
    let bench = Bench::new().await;
    let before = bench.lose_token().await;
    let repairs = (0..100).map(|_| bench.repaired(refused(&before)));
    let outcomes = futures_util::future::join_all(repairs).await;
    let minted = outcomes.iter().filter(|outcome| matches!(outcome, RepairOutcome::Repaired { .. })).count();
    let found = outcomes.iter().filter(|outcome| matches!(outcome, RepairOutcome::AlreadyValid { .. })).count();
    assert_eq!((minted, found), (1, 99), "{outcomes:?}");
    assert_eq!(bench.node_tokens().await.len(), 1);
    bench.end().await;
}

#[tokio::test]
async fn a_token_that_works_is_left_alone() {
    let bench = Bench::new().await;
    let before = bench.token();
    for cause in [Cause::Check, refused("ntok_0123456789abcdef0123456789abcdef")] {
        let outcome = bench.repaired(cause).await;
        assert!(matches!(outcome, RepairOutcome::AlreadyValid { .. }), "{outcome:?}");
    }
    assert_eq!((bench.token(), bench.node_tokens().await.len()), (before, 1));
    bench.end().await;
}
