//! An agent that delegates does not notice that the hub was away for a while.

use anet_protocol::notification::Link;
use serde_json::{Value, json};

use super::bench::Bench;
use super::delegation::{finish, get, post, with_agent};
use super::fake_hub::{State, refusal};

fn part(text: &str) -> Value {
    json!({"alias": "helper", "task": text})
}

/// How often the part of this text was sent.
fn sends(state: &State, text: &str) -> usize {
    state.named("task").iter().filter(|call| call.body["task"] == text).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_waits_for_the_hub_to_come_back() {
    let mut bench = Bench::new();
    let (node, client) = with_agent(&bench, 1).await;
    assert_eq!(post(&client, "/api/task", &part("one")).await.0, 200);
    let before = bench.hub.bodies("task").len();
    bench.hub.kill();
    let (cancel, calls) = (json!({}), bench.hub.state.clone());
    let another = part("another");
    let (sent, looked, cancelled, nodes, ()) = tokio::join!(
        post(&client, "/api/task", &another),
        get(&client, "/api/task/sub-0?wait=50"),
        post(&client, "/api/task/sub-0/cancel", &cancel),
        get(&client, "/api/nodes"),
        async {
            bench.until_notified("away", |notification| notification.link == Some(Link::Unreachable)).await;
            bench.hub.restart().await;
        }
    );
    assert_eq!((sent.0, &sent.1["task_id"]), (200, &json!("sub-1")));
    assert_eq!((looked.0, cancelled.0, nodes.0), (200, 200, 200));
    assert_eq!(sends(&calls.borrow(), "another"), 1);
    assert_eq!(before, 1);
    finish(&bench, node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_hub_cannot_serve_now_is_made_again_as_the_same_call() {
    let bench = Bench::new();
    let (node, client) = with_agent(&bench, 1).await;
    bench.hub.change(|state| {
        state.script("task", 503, refusal("storage_unavailable"));
        state.script("task", 502, json!("a proxy's page"));
    });
    assert_eq!(post(&client, "/api/task", &part("one")).await.0, 200);
    let bodies = bench.hub.bodies("task");
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| body["idempotency_key"] == bodies[0]["idempotency_key"]), "{bodies:?}");
    assert_eq!(post(&client, "/api/task", &part("one")).await.1["task_id"], "sub-1", "the next is another one");

    let look = "/api/task/sub-0";
    bench.hub.change(|state| state.script(look, 503, refusal("storage_unavailable")));
    assert_eq!(get(&client, &format!("{look}?wait=50")).await.0, 200);
    let waits: Vec<String> = bench.hub.state.borrow().named(look).iter().map(|call| call.query.clone()).collect();
    assert_eq!(waits.len(), 2, "{waits:?}");
    for status in [400, 404, 409, 429, 500] {
        bench.hub.change(|state| state.script(look, status, refusal("not_found")));
        assert_eq!(get(&client, look).await.0, status, "an answer is passed on");
    }
    finish(&bench, node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_its_agent_has_given_up_is_not_made_again() {
    let bench = Bench::new();
    let (node, client) = with_agent(&bench, 1).await;
    bench.hub.change(|state| {
        state.always.insert("task", (503, refusal("storage_unavailable")));
    });
    let body = part("given up");
    tokio::select! {
        answer = post(&client, "/api/task", &body) => panic!("{answer:?}"),
        () = bench.hub.until("the first try", |state| sends(state, "given up") > 0) => {}
    }
    let body = part("kept up");
    tokio::select! {
        answer = post(&client, "/api/task", &body) => panic!("{answer:?}"),
        // The other would by then have been made as often.
        () = bench.hub.until("five tries", |state| sends(state, "kept up") == 5) => {}
    }
    let tries = sends(&bench.hub.state.borrow(), "given up");
    assert!(tries <= 2, "{tries}");
    bench.hub.change(|state| state.always.clear());
    finish(&bench, node).await;
}
