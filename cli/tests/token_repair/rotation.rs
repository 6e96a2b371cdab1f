use std::time::Duration;

use anet_supervisor::token_repair::{Cause, Probe, RepairOutcome};
use secrecy::SecretString;

use crate::bench::Bench;

#[tokio::test]
async fn a_token_that_ends_is_replaced_before_it_does_and_the_old_one_is_revoked() {
    let bench = Bench::with(|settings| settings.node_token_lifetime = Duration::from_secs(24 * 3600)).await;
    let Probe::Valid { token_id: old, created_at, expires_at, .. } = bench.probe().await else { panic!("it works") };
    let lifetime = expires_at.unwrap().as_millis() - created_at.unwrap().as_millis();
    assert_eq!(lifetime, 24 * 3600 * 1000);
    let before = bench.token();
    let outcome = bench.repaired(Cause::Rotation(SecretString::from(before.as_str()))).await;
    let RepairOutcome::Repaired { token_id, revoked, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(revoked, [old]);
    assert_eq!(bench.node_tokens().await, [token_id.as_str()]);
    // Whoever comes later with the same wish finds it fulfilled.
    let again = bench.repaired(Cause::Rotation(SecretString::from(before.as_str()))).await;
    assert!(matches!(again, RepairOutcome::AlreadyValid { .. }), "{again:?}");
    bench.end().await;
}

#[tokio::test]
async fn a_nodes_token_does_not_end_unless_the_hub_is_told_so() {
    let bench = Bench::new().await;
    assert!(matches!(bench.probe().await, Probe::Valid { expires_at: None, .. }));
    bench.end().await;
}
