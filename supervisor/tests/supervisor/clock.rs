//! The wall clock may be set; nothing that waits or measures is by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anet_protocol::Clock;
use anet_protocol::time::Timestamp;
use serde_json::json;

use crate::harness::{Home, System, eventually, starts};

const HOUR: i64 = 3_600_000;

/// The system's clock, moved.
#[derive(Clone, Default)]
struct Movable(Arc<AtomicI64>);

impl Clock for Movable {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(System.now().as_millis() + self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn a_clock_that_jumps_an_hour_changes_no_pause_and_no_count() {
    for jump in [HOUR, -HOUR] {
        let home = Home::new();
        let directory = home.node("a", &["count", "ready", "wait-for go", "exit 1"]);
        let clock = Movable::default();
        let mut settings = home.settings();
        settings.policies.defaults.start_backoff.first = Duration::from_millis(300);
        settings.policies.defaults.start_backoff.jitter = 0.0;
        let supervisor = home.supervise_by_clock(settings, Arc::new(clock.clone())).await;
        supervisor.client.must_start(&home, "a").await;
        std::fs::write(directory.join("go"), "").unwrap();
        // In the pause after the second failure the clock jumps; the pause ends all the same.
        let node = eventually("the second failure", async || {
            let node = supervisor.client.node("a").await;
            (node["process"]["attempt"].as_u64()? >= 2).then_some(node)
        })
        .await;
        std::fs::remove_file(directory.join("go")).unwrap();
        clock.0.store(jump, Ordering::SeqCst);
        supervisor.client.until_state("a", "running").await;
        // It was ready for an hour by the wall clock, and for a moment in truth: the failures are not forgotten.
        clock.0.fetch_add(jump, Ordering::SeqCst);
        let before = node["process"]["attempt"].as_u64().unwrap();
        std::fs::write(directory.join("go"), "").unwrap();
        let node = eventually("the next failure", async || {
            let node = supervisor.client.node("a").await;
            (node["state"] != "running" && node["process"]["attempt"].is_u64()).then_some(node)
        })
        .await;
        assert!(node["process"]["attempt"].as_u64().unwrap() > before, "{jump}: {node}");
        assert!(starts(&directory) >= 3);
        assert_eq!(supervisor.client.stop("a").await.1["node"]["state"], json!("stopped"));
        supervisor.shut_down().await;
    }
}
