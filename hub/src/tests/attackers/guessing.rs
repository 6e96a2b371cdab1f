//! Passwords and names, guessed.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::tools::{ELSEWHERE, HERE, ask, log_in_from, post_from};
use crate::console::Console;
use crate::tests::kit::{PASSWORD, Reply, SeededEntropy, TestHub};
use crate::{RateLimits, Settings};

const WRONG: &str = "wrong horse battery";

fn limited(settings: &mut Settings) {
    settings.limits = RateLimits::default();
}

/// The status, and how many seconds the answer says to wait.
fn told(reply: &Reply) -> (u16, Option<u64>) {
    let wait = reply.headers.get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
    (reply.status.as_u16(), wait)
}

/// Attack 9 (hub-limits §3).
#[tokio::test]
async fn one_name_guessed_from_one_address_is_slowed_by_the_account_and_by_the_address() {
    let hub = TestHub::open_with(limited).await;
    hub.person("alice").await;
    let mut answers = Vec::new();
    for _ in 0..14 {
        answers.push(told(&log_in_from(&hub, ELSEWHERE, "alice", WRONG).await));
    }
    assert!(answers[..5].iter().all(|answer| *answer == (401, None)), "{answers:?}");
    assert!(answers[5..10].iter().all(|answer| *answer == (429, Some(1))), "the account's pause: {answers:?}");
    assert!(answers[10..].iter().all(|answer| *answer == (429, Some(6))), "the address's limit: {answers:?}");
}

/// Attack 9 (hub-limits §3).
#[tokio::test]
async fn a_thousand_names_sprayed_from_one_address_are_stopped_by_the_address() {
    let hub = TestHub::open_with(limited).await;
    hub.person("alice").await;
    let mut judged = 0;
    for number in 0..1000 {
        let reply = log_in_from(&hub, ELSEWHERE, &format!("user{number}"), WRONG).await;
        match told(&reply) {
            (401, None) => {
                judged += 1;
                assert!(judged <= 10, "an eleventh was judged");
            }
            (status, wait) => {
                assert_eq!((status, wait), (429, Some(6)), "{number}");
                reply.refused(429, "rate_limited");
            }
        }
    }
    assert_eq!(judged, 10);
    log_in_from(&hub, "198.51.100.1", "alice", PASSWORD).await.ok();
    // The limits of other doors are their own, and count as well.
    let bad = json!({ "username": "x", "recovery_key": "y", "new_password": "z" });
    for _ in 0..10 {
        post_from(&hub, ELSEWHERE, "", "/api/auth/recover", bad.clone()).await.refused(400, "weak_password");
    }
    let reply = post_from(&hub, ELSEWHERE, "", "/api/auth/recover", bad).await;
    assert!(reply.headers.contains_key("retry-after"));
    reply.refused(429, "rate_limited");
}

/// Attack 9 (hub-limits §3).
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_guesses_at_once_five_are_judged() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    let guesses =
        (0..50).map(|number| log_in_from(&hub, ELSEWHERE, "alice", if number == 40 { PASSWORD } else { WRONG }));
    let replies = join_all(guesses).await;
    let judged = replies.iter().filter(|reply| reply.status != 429).count();
    assert_eq!(judged, 5);
    for reply in replies.into_iter().filter(|reply| reply.status == 429) {
        assert_eq!(told(&reply).1, Some(1));
        reply.refused(429, "login_delayed");
    }
}

/// Attack 9 (hub-limits §3).
#[tokio::test]
async fn the_pause_doubles_up_to_a_quarter_of_an_hour_and_always_ends() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    for _ in 0..5 {
        log_in_from(&hub, ELSEWHERE, "alice", WRONG).await.refused(401, "invalid_credentials");
    }
    for pause in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900] {
        for password in [WRONG, PASSWORD] {
            let reply = log_in_from(&hub, ELSEWHERE, "alice", password).await;
            assert_eq!(told(&reply), (429, Some(pause)), "{password}");
        }
        hub.clock.advance(i64::try_from(pause).unwrap());
        log_in_from(&hub, ELSEWHERE, "alice", WRONG).await.refused(401, "invalid_credentials");
    }
    hub.clock.advance(900);
    log_in_from(&hub, ELSEWHERE, "alice", PASSWORD).await.ok();
    log_in_from(&hub, ELSEWHERE, "alice", WRONG).await.refused(401, "invalid_credentials");
    log_in_from(&hub, ELSEWHERE, "alice", PASSWORD).await.ok();
}

async fn slow_down(hub: &TestHub, from: &str) {
    for _ in 0..5 {
        log_in_from(hub, from, "alice", WRONG).await.refused(401, "invalid_credentials");
    }
    log_in_from(hub, from, "alice", PASSWORD).await.refused(429, "login_delayed");
}

/// Attack 9 (hub-limits §3).
#[tokio::test]
async fn strangers_do_not_slow_down_whom_the_account_belongs_to() {
    let hub = TestHub::open().await;
    hub.person("alice").await;
    log_in_from(&hub, "198.51.100.1", "alice", PASSWORD).await.ok();
    log_in_from(&hub, "2001:db8:1:2::1", "alice", PASSWORD).await.ok();
    slow_down(&hub, ELSEWHERE).await;
    log_in_from(&hub, "203.0.113.10", "alice", PASSWORD).await.refused(429, "login_delayed");
    log_in_from(&hub, "198.51.100.1", "alice", PASSWORD).await.ok();
    log_in_from(&hub, "2001:db8:1:2:ffff::9", "alice", PASSWORD).await.ok();
    // Whoever writes that address into a header is not there.
    let headers = [("x-forwarded-for", "198.51.100.1"), ("content-type", "application/json")];
    let body = json!({ "username": "alice", "password": PASSWORD }).to_string();
    ask(&hub, ELSEWHERE, ("POST", "/api/auth/login"), &headers, body).await.refused(429, "login_delayed");
    // A known address has no free guesses either.
    slow_down(&hub, "198.51.100.1").await;
    log_in_from(&hub, "2001:db8:1:2::1", "alice", PASSWORD).await.ok();
    hub.clock.advance(31 * 24 * 3600);
    slow_down(&hub, ELSEWHERE).await;
    log_in_from(&hub, "2001:db8:1:2::1", "alice", PASSWORD).await.refused(429, "login_delayed");
}

/// Attack 9 (hub-limits §3).
#[tokio::test]
async fn a_pause_survives_a_restart_and_ends_when_an_administrator_says_so() {
    let hub = TestHub::open().await;
    let admin = hub.person("admin").await;
    hub.person("alice").await;
    slow_down(&hub, ELSEWHERE).await;
    let hub = hub.restart().await;
    log_in_from(&hub, ELSEWHERE, "alice", PASSWORD).await.refused(429, "login_delayed");
    let users = hub.get(&admin.token, "/api/users").await.ok();
    let alice = users["users"].as_array().unwrap().iter().find(|user| user["username"] == "alice").unwrap();
    assert_eq!(alice["failed_logins"], 5);
    let unlock = format!("/api/admin/users/{}/unlock", alice["user_id"].as_str().unwrap());
    hub.post(&admin.token, &unlock, json!({})).await.ok();
    log_in_from(&hub, ELSEWHERE, "alice", PASSWORD).await.ok();
    slow_down(&hub, "203.0.113.77").await;
    let database = hub.hub.settings().database.clone();
    let console =
        Console::open(database, hub.clock.clone(), SeededEntropy::new(5), "pid 1 uid 0".to_owned()).await.unwrap();
    console.unlock_user("ALICE").await.unwrap();
    console.close().await;
    log_in_from(&hub, "203.0.113.77", "alice", PASSWORD).await.ok();
}

/// Attack 9 (hub-limits §3): a stolen token is no way around.
#[tokio::test]
async fn the_old_password_is_guessed_no_faster_than_at_the_login() {
    let hub = TestHub::open().await;
    let alice = hub.person("alice").await;
    let body = json!({ "old_password": WRONG, "new_password": "another horse battery" });
    for _ in 0..5 {
        let reply = post_from(&hub, ELSEWHERE, &alice.token, "/api/auth/password", body.clone()).await;
        reply.refused(400, "incorrect_password");
    }
    post_from(&hub, ELSEWHERE, &alice.token, "/api/auth/password", body).await.refused(429, "login_delayed");
    log_in_from(&hub, ELSEWHERE, "alice", PASSWORD).await.refused(429, "login_delayed");
}

/// Everything of an answer that an attacker sees, but the date.
fn seen(reply: Reply) -> (u16, Vec<(String, String)>, Value) {
    let headers = reply.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (reply.status.as_u16(), headers.collect(), reply.body)
}

/// Attack 10 (hub-limits §3); that both take the same time is shown by a benchmark.
#[tokio::test]
async fn no_door_tells_a_known_name_from_an_unknown_one() {
    let hub = TestHub::open().await;
    hub.person("admin").await;
    let body = json!({
        "username": "qwzxjkvy", "password": PASSWORD, "email": "qwzxjkvy@example.org",
        "display_name": "Xaverina Qwzxjkvy",
    });
    let token = hub.post("", "/api/auth/register", body).await.ok()["token"].as_str().unwrap().to_owned();
    let made = hub.post(&token, "/api/auth/recovery-key", json!({ "password": PASSWORD })).await.ok();
    let key = &made["recovery_key"];
    for password in [WRONG, "", "x", &"x".repeat(500), "a\u{0}b"] {
        for path in ["/api/auth/login", "/api/auth/session"] {
            let attempt = |name: &str| hub.post("", path, json!({ "username": name, "password": password }));
            let known = seen(attempt("qwzxjkvy").await);
            assert_eq!(known, seen(attempt("vyqwzxjk").await), "{path} {password:.9}");
            assert!(known.0 == 401 || known.0 == 429);
            hub.clock.advance(1000);
        }
    }
    // A password that is weak for one person alone would tell of that person.
    let news: [fn(&str) -> String; 5] = [
        |_| "another horse battery".to_owned(),
        |_| "weak".to_owned(),
        |name| format!("{name}12"),
        |_| "qwzxjkvy@example.org".to_owned(),
        |_| "Xaverina Qwzxjkvy".to_owned(),
    ];
    for new in news {
        for wrong in ["rkey_0123456789abcdef0123456789abcdef", "nonsense"] {
            let attempt = |name: &str| {
                let body = json!({ "username": name, "recovery_key": wrong, "new_password": new(name) });
                hub.post("", "/api/auth/recover", body)
            };
            assert_eq!(seen(attempt("qwzxjkvy").await), seen(attempt("vyqwzxjk").await), "{} {wrong}", new("NAME"));
        }
    }
    let body = json!({ "username": "qwzxjkvy", "recovery_key": key, "new_password": "Xaverina Qwzxjkvy" });
    hub.post("", "/api/auth/recover", body).await.refused(400, "weak_password");
    let body = json!({ "username": "qwzxjkvy", "recovery_key": key, "new_password": "another horse battery" });
    hub.post("", "/api/auth/recover", body).await.ok();
}

/// Attack 10 (hub-limits §3).
#[tokio::test]
async fn whoever_may_not_register_does_not_learn_which_names_are_taken() {
    for policy in ["closed", "invite"] {
        let hub = TestHub::open().await;
        let admin = hub.person("admin").await;
        let set = json!({ "policy": policy }).to_string();
        let headers =
            [("authorization", format!("Bearer {}", admin.token)), ("content-type", "application/json".to_owned())];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ask(&hub, HERE, ("PUT", "/api/admin/registration"), &headers, set).await.ok();
        for invite in [None, Some("nonsense"), Some("inv_0123456789abcdef0123456789abcdef")] {
            for password in [PASSWORD, "weak"] {
                let attempt = |name: &str| {
                    let body = json!({ "username": name, "password": password, "invite_code": invite });
                    hub.post("", "/api/auth/register", body)
                };
                let known = seen(attempt("admin").await);
                assert_eq!(known, seen(attempt("nobody").await), "{policy} {invite:?} {password}");
                assert_ne!(known.0, 200);
            }
        }
    }
}

/// Attack 11 (hub-limits §3).
#[tokio::test]
async fn a_password_is_taken_whole_and_as_it_is_or_not_at_all() {
    let hub = TestHub::open().await;
    let register = |name: &str, password: &str| {
        hub.post("", "/api/auth/register", json!({ "username": name, "password": password }))
    };
    let mixed: String = "kP7#vq2Lw9!zR4mX".chars().cycle().take(128).collect();
    for long in [format!("{mixed}x"), "x".repeat(1024 * 1024)] {
        register("alice", &long).await.refused(400, "weak_password");
        log_in_from(&hub, HERE, "alice", &long).await.refused(401, "invalid_credentials");
    }
    register("alice", &"x".repeat(3 * 1024 * 1024)).await.refused(413, "body_too_large");
    let lone = r#"{"username":"alice","password":"correct horse \ud800 battery"}"#;
    let headers = [("content-type", "application/json")];
    ask(&hub, HERE, ("POST", "/api/auth/register"), &headers, lone).await.refused(400, "invalid_json");

    register("longest", &mixed).await.ok();
    register("composed", "caf\u{e9} horse battery staple").await.ok();
    register("nul", "horse\u{0}battery staple seven").await.ok();
    for (name, right, wrong) in [
        ("longest", mixed.as_str(), &mixed[..127]),
        ("composed", "caf\u{e9} horse battery staple", "cafe\u{301} horse battery staple"),
        ("nul", "horse\u{0}battery staple seven", "horse"),
        ("nul", "horse\u{0}battery staple seven", "horse\u{0}battery staple sevem"),
        ("composed", "caf\u{e9} horse battery staple", "caf\u{e9} horse battery staple "),
    ] {
        log_in_from(&hub, HERE, name, wrong).await.refused(401, "invalid_credentials");
        log_in_from(&hub, HERE, name, right).await.ok();
    }
}

/// Attack 12 (hub-limits §3).
#[tokio::test]
async fn spellings_of_a_name_are_one_account_with_one_counter() {
    let hub = TestHub::open().await;
    hub.person("Admin").await;
    for twin in ["admin", "ADMIN", "aDMIN"] {
        let body = json!({ "username": twin, "password": PASSWORD });
        hub.post("", "/api/auth/register", body).await.refused(400, "username_taken");
    }
    for twin in
        ["admin ", " admin", "ａｄｍｉｎ", "\u{430}dmin", "adm\u{131}n", "admin\u{200b}", "admin\u{0}", "a\tdmin"]
    {
        let body = json!({ "username": twin, "password": PASSWORD });
        hub.post("", "/api/auth/register", body).await.refused(400, "invalid_input");
    }
    log_in_from(&hub, HERE, "ADMIN", PASSWORD).await.ok();
    for spelling in ["admin", "ADMIN", " Admin ", "ａｄｍｉｎ", "aDmIn"] {
        log_in_from(&hub, ELSEWHERE, spelling, WRONG).await.refused(401, "invalid_credentials");
    }
    for spelling in ["admin", "Admin", "ADMIN\t", "ＡＤＭＩＮ"] {
        log_in_from(&hub, ELSEWHERE, spelling, PASSWORD).await.refused(429, "login_delayed");
    }
}
