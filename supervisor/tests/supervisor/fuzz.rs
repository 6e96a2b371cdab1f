//! Rubbish at the control socket is refused, and nobody is the worse for it (R56).

use futures_util::StreamExt as _;
use futures_util::stream::iter;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{Home, PATIENCE, is_alive, starts};

/// Frames when nobody says how many.
const FRAMES: usize = 1500;

const VALID: [&str; 6] = [
    "GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /v1/nodes/nobody?project=/x HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /v1/events?follow=false&since=1-1 HTTP/1.1\r\nhost: x\r\nlast-event-id: 7-7\r\n\r\n",
    "POST /v1/nodes/nobody/start HTTP/1.1\r\nhost: x\r\ncontent-length: 37\r\n\r\n{\"project\":\"/none\",\"wait_seconds\":30}",
    "POST /v1/nodes/nobody/stop HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "GET /v1/hub/logs?lines=1&grep=x HTTP/1.1\r\nhost: x\r\n\r\n",
];

/// A valid request with pieces replaced or cut off, or no request at all.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let mutated = (0..VALID.len(), any::<u16>(), any::<u16>(), prop::collection::vec(any::<u8>(), 0..12)).prop_map(
        |(which, from, length, with)| {
            let mut frame = VALID[which].as_bytes().to_vec();
            let from = usize::from(from) % frame.len();
            let to = (from + usize::from(length) % 16).min(frame.len());
            frame.splice(from..to, with);
            frame
        },
    );
    let cut = (0..VALID.len(), any::<u16>())
        .prop_map(|(which, at)| VALID[which].as_bytes()[..usize::from(at) % VALID[which].len()].to_vec());
    prop_oneof![6 => mutated, 2 => cut, 2 => prop::collection::vec(any::<u8>(), 0..2000)]
}

#[tokio::test]
async fn random_cut_and_mutated_requests_end_nothing_and_others_are_answered() {
    let home = Home::new();
    let directory = home.node("a", &["count", "ready", "sleep"]);
    let supervisor = home.supervise().await;
    let pid = supervisor.client.must_start(&home, "a").await;
    #[expect(clippy::disallowed_methods, reason = "how long to go on is for whoever runs the test to say")]
    let frames = std::env::var("ANET_FUZZ_FRAMES").ok().and_then(|text| text.parse().ok()).unwrap_or(FRAMES);
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let strategy = frame();
    let socket = home.path().join("run/supervisor.sock");
    let send = async |frame: Vec<u8>| {
        let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
        // It may be cut off in the middle of what it says.
        let sent = stream.write_all(&frame).await.is_ok();
        let closed = stream.shutdown().await.is_ok();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "kept for ever ({sent}, {closed}): {}", String::from_utf8_lossy(&frame));
        answer
    };
    let all = (0..frames).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    let refused = iter(all)
        .map(send)
        .buffer_unordered(16)
        .filter(|answer| std::future::ready(answer.starts_with(b"HTTP/1.1 4")))
        .count()
        .await;
    assert!(refused > frames / 20, "only {refused} of {frames} came so far as to be refused");
    assert_eq!(supervisor.client.get("/v1/status").await["nodes"].as_array().unwrap().len(), 1);
    assert!(is_alive(pid) && starts(&directory) == 1, "the children were not touched");
    supervisor.shut_down().await;
}
