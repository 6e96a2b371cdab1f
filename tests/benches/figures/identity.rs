//! What identity costs: logins beside raw Argon2id, requests with and without a token, how soon a revoked token's stream
//! ends, and whether the time of a refused login tells a known name from an unknown one.

use std::time::{Duration, Instant};

use anet_tests::World;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

/// How long one rate is measured.
const SPAN: Duration = Duration::from_secs(3);

/// OWASP's parameters, as the hub uses them.
const PARAMETERS: (u32, u32, u32) = (19_456, 2, 1);

const PASSWORD: &str = "a phrase for the benchmark only";

/// Accounts, each for a few wrong passwords: more in a row would be slowed down.
const ACCOUNTS: usize = 40;
const WRONG_PER_ACCOUNT: usize = 4;

pub(crate) fn measure() {
    let world = World::new();
    let mut start = world.command_in(&world.project, &["hub", "start", "--port", "0", "--json"]);
    let started = start.env("ANET_RATE_LIMITS", "off").output().expect("the hub starts");
    let started: Value = serde_json::from_slice(&started.stdout).expect("the answer is JSON");
    let url = started["url"].as_str().expect("the hub has an address").to_owned();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let hub = Hub { client: Client::builder().no_proxy().build().expect("a client"), url };
        let names: Vec<String> = (0..ACCOUNTS).map(|number| format!("person{number}")).collect();
        let mut token = String::new();
        for name in &names {
            let body = json!({ "username": name, "password": PASSWORD });
            let registered = hub.post("/api/auth/register", "", &body).await.1;
            registered["token"].as_str().expect("a token").clone_into(&mut token);
        }
        for round in 1..=3 {
            logins(&hub, &names, round).await;
            requests(&hub, &token, round).await;
            revocations(&hub, &token, round).await;
        }
        refusals(&hub, &names).await;
    });
}

struct Hub {
    client: Client,
    url: String,
}

impl Hub {
    async fn post(&self, path: &str, token: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.client.post(format!("{}{path}", self.url)).json(body);
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let answer = request.send().await.expect("the hub answers");
        (answer.status(), answer.json().await.expect("the answer is JSON"))
    }

    async fn login(&self, name: &str, password: &str) -> StatusCode {
        self.post("/api/auth/login", "", &json!({ "username": name, "password": password })).await.0
    }
}

/// Logins per second over as many connections as there are accounts to spare, beside one core that does nothing else.
async fn logins(hub: &Hub, names: &[String], round: u32) {
    let raw = tokio::task::spawn_blocking(raw_hashes).await.expect("the hashes are made");
    let began = Instant::now();
    let one = async |name: &String| {
        let mut done = 0_u32;
        while began.elapsed() < SPAN {
            assert_eq!(hub.login(name, PASSWORD).await, StatusCode::OK);
            done += 1;
        }
        done
    };
    let (a, b, c, d) = tokio::join!(one(&names[0]), one(&names[1]), one(&names[2]), one(&names[3]));
    let rate = f64::from(a + b + c + d) / began.elapsed().as_secs_f64();
    println!("round {round}: logins {rate:.1}/s, x{:.2} of raw Argon2id on one core ({raw:.1}/s)", rate / raw);
}

fn raw_hashes() -> f64 {
    let (memory, passes, lanes) = PARAMETERS;
    let params = Params::new(memory, passes, lanes, None).expect("the parameters are valid");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let began = Instant::now();
    let mut done = 0_u32;
    while began.elapsed() < SPAN {
        let hash: Result<argon2::PasswordHash, _> = argon2.hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16]);
        let _hash = hash.expect("a hash");
        done += 1;
    }
    f64::from(done) / began.elapsed().as_secs_f64()
}

/// Requests per second that ask who calls, beside those that ask nothing.
async fn requests(hub: &Hub, token: &str, round: u32) {
    for connections in [1, 16] {
        let bare = rate(hub, "/health", None, connections).await;
        let known = rate(hub, "/api/auth/me", Some(token), connections).await;
        println!(
            "round {round}: {connections} connection(s): with a token {known:.0}/s, x{:.2} of without ({bare:.0}/s)",
            known / bare
        );
    }
}

async fn rate(hub: &Hub, path: &str, token: Option<&str>, connections: usize) -> f64 {
    let began = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let request = hub.client.get(format!("{}{path}", hub.url));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        workers.spawn(async move {
            let mut answered = 0_u32;
            while began.elapsed() < SPAN {
                let answer = request.try_clone().expect("there is no body").send().await.expect("the hub answers");
                assert!(answer.status().is_success(), "{answer:?}");
                let _body = answer.bytes().await.expect("the answer is whole");
                answered += 1;
            }
            answered
        });
    }
    let answered: u32 = workers.join_all().await.into_iter().sum();
    f64::from(answered) / began.elapsed().as_secs_f64()
}

/// From the answer to a revocation until the stream that the key has opened is at its end.
async fn revocations(hub: &Hub, token: &str, round: u32) {
    let mut waits = Vec::new();
    for _ in 0..20 {
        let (_, key) = hub.post("/api/auth/tokens", token, &json!({ "name": "stream" })).await;
        let secret = key["token"].as_str().expect("a key");
        let stream = format!("{}/events/person{}", hub.url, ACCOUNTS - 1);
        let mut stream = hub.client.get(stream).bearer_auth(secret).send().await.expect("the hub answers");
        assert_eq!(stream.status(), StatusCode::OK);
        let _connected = stream.chunk().await.expect("the stream is open");
        let row = format!("{}/api/auth/tokens/{}", hub.url, key["token_id"].as_str().expect("a row"));
        let began = Instant::now();
        let revoked = hub.client.delete(row).bearer_auth(token).send().await.expect("the hub answers");
        assert!(revoked.status().is_success(), "{revoked:?}");
        while stream.chunk().await.is_ok_and(|chunk| chunk.is_some()) {}
        waits.push(began.elapsed());
    }
    let middle = super::median(&mut waits);
    println!(
        "round {round}: revocation until the stream's end {:.1} ms [{:.1}..{:.1}], x{:.4} of the promised second",
        middle.as_secs_f64() * 1000.0,
        waits[0].as_secs_f64() * 1000.0,
        waits[waits.len() - 1].as_secs_f64() * 1000.0,
        middle.as_secs_f64(),
    );
}

/// Times of refused logins, in turn for known and unknown names, so that both see the machine in the same moods.
async fn refusals(hub: &Hub, names: &[String]) {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..WRONG_PER_ACCOUNT {
        for (number, name) in names.iter().enumerate() {
            let nobody = format!("nobody{number}");
            for (name, times) in [(name.as_str(), &mut known), (nobody.as_str(), &mut unknown)] {
                let began = Instant::now();
                assert_eq!(hub.login(name, "not the password of anybody").await, StatusCode::UNAUTHORIZED);
                times.push(began.elapsed());
            }
        }
    }
    let (one, other) = (super::median(&mut known), super::median(&mut unknown));
    let spread = |times: &[Duration]| {
        let at = |part: usize| times[times.len() * part / 4].as_secs_f64() * 1000.0;
        format!("{:.1} ms [{:.1}..{:.1}]", at(2), at(1), at(3))
    };
    println!(
        "refused logins: known name {}, unknown name {}; medians x{:.3}",
        spread(&known),
        spread(&unknown),
        one.as_secs_f64() / other.as_secs_f64()
    );
}
