use axum::body::Body;

use crate::tests::kit::TestHub;

/// Attack 16 (hub-limits §3).
#[tokio::test]
async fn a_token_is_taken_from_one_bearer_header_and_nowhere_else() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let get = |headers: Vec<String>, query: String| {
        let mut request = TestHub::request("GET", &format!("/api/auth/me{query}"), "");
        for value in headers {
            request = request.header("authorization", value);
        }
        hub.send(request.body(Body::empty()).unwrap())
    };
    let token = &alice.token;
    get(vec![format!("bearer {token}")], String::new()).await.ok();
    get(vec![], format!("?token={token}")).await.refused(401, "auth_required");
    let mut changed = token.clone();
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.push(last);
    for value in [
        token.clone(),
        format!("Bearer  {token}"),
        format!("Bearer {token} "),
        format!("Basic {token}"),
        format!("Bearer {changed}"),
        format!("Bearer {}", token.replacen("utok_", "ntok_", 1)),
        format!("Bearer {}", "a".repeat(10_000)),
        "Bearer ".to_owned(),
    ] {
        get(vec![value], String::new()).await.refused(401, "invalid_token");
    }
    let twice = vec![format!("Bearer {token}"); 2];
    get(twice, String::new()).await.refused(401, "invalid_token");
}
