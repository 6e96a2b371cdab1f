use serde_json::json;

use crate::tests::kit::TestHub;

/// Attack 35 (hub-limits §3).
#[tokio::test]
async fn hostile_text_is_kept_as_it_is_and_stays_inside_its_frame() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let run = hub.running(&alice, "counter").await;
    let mut stream = hub.listen_as(&run, None).await;
    let text = "a\r\n\r\ndata: {\"type\":\"forged\"}\n\n\u{1b}[31m</script>\u{202e}\u{2028}";
    let task = hub.task(&alice.token, "counter", text).await;
    let body = json!({ "alias": "counter", "task": "x", "from": "x\u{2028}data: y" });
    hub.post(&alice.token, "/api/task", body).await.ok();
    assert_eq!(stream.next().await.unwrap().data["from"], "alice");
    assert_eq!(stream.next().await.unwrap().data["from"], "x\u{2028}data: y");
    assert_eq!(hub.state(&alice.token, &task).await["content"], text);
}
