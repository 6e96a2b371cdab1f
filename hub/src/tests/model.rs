//! Random histories against a small reference model, which keeps of each task only what a reader of the contract
//! would keep on paper.

mod paper;
mod step;

use std::collections::BTreeMap;

use anet_protocol::rest::Attempt;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::kit::{Person, Run, TestHub};
use paper::{End, Paper};
use step::{Step, step};

const LEASE: i64 = 60;
const TTL: i64 = 150;
const ATTEMPTS: u32 = 3;

struct World {
    hub: Option<TestHub>,
    person: Person,
    node: Run,
    now: i64,
    current: usize,
    papers: Vec<Paper>,
}

fn error(text: u8) -> Value {
    json!({ "code": "exit_status", "message": format!("error {text}"), "retryable": false })
}

impl World {
    async fn new() -> Self {
        let hub = TestHub::open().await;
        let person = hub.person("alice").await;
        let node = hub.node(&person, "counter").await;
        let world = Self { hub: Some(hub), person, node, now: 0, current: 0, papers: Vec::new() };
        world.hub().register(&world.run(0), &[]).await.ok();
        world
    }

    fn hub(&self) -> &TestHub {
        self.hub.as_ref().expect("only absent during a restart")
    }

    fn run(&self, number: usize) -> Run {
        Run { instance: format!("i_{number}"), ..self.node.clone() }
    }

    /// Which paper, attempt and run a step means.
    fn target(&self, task: usize, back: u32, run: usize) -> Option<(usize, u32, usize)> {
        let index = task.checked_rem(self.papers.len())?;
        let attempt = self.papers[index].attempt.saturating_sub(back);
        Some((index, attempt, self.current.saturating_sub(run)))
    }

    async fn call(&self, index: usize, attempt: u32, run: usize, call: &str, more: Value) -> Option<String> {
        let reply = self.hub().attempt(&self.run(run), call, &self.papers[index].id, attempt, more).await;
        reply.body["code"].as_str().map(str::to_owned)
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Send => self.send().await,
            Step::Claim { max, run, forgetful } => {
                self.claim(max, self.current.saturating_sub(run), forgetful).await;
            }
            Step::Ack { task, back, run } => {
                let Some((index, attempt, run)) = self.target(task, back, run) else { return };
                let told = self.call(index, attempt, run, "ack", json!({})).await;
                let (current, now) = (self.current, self.now);
                let paper = &mut self.papers[index];
                let refusal = paper.refuses(run, current, attempt);
                assert_eq!(told.as_deref(), refusal);
                if refusal.is_none() && paper.state == "delivered" {
                    paper.state = "acked";
                    paper.lease = Some((run, now + LEASE));
                }
            }
            Step::Renew { task, back, run, running } => {
                let Some((index, attempt, run)) = self.target(task, back, run) else { return };
                let told = self.call(index, attempt, run, "renew", json!({ "running": running })).await;
                let (current, now) = (self.current, self.now);
                let paper = &mut self.papers[index];
                let early = running && paper.state == "delivered";
                let refusal = paper.refuses(run, current, attempt).or(early.then_some("invalid_input"));
                assert_eq!(told.as_deref(), refusal);
                if refusal.is_none() {
                    paper.lease = Some((run, now + LEASE));
                    if running {
                        paper.state = "running";
                    }
                }
            }
            Step::Reply { task, back, run, text } => {
                let Some((index, attempt, run)) = self.target(task, back, run) else { return };
                let told = self.call(index, attempt, run, "reply", json!({ "text": format!("text {text}") })).await;
                self.answer(index, attempt, run, told.as_deref(), End::Replied(attempt, text));
            }
            Step::Fail { task, back, run, text } => {
                let Some((index, attempt, run)) = self.target(task, back, run) else { return };
                let told = self.call(index, attempt, run, "fail", json!({ "error": error(text) })).await;
                self.answer(index, attempt, run, told.as_deref(), End::Failed(Some((attempt, text))));
            }
            Step::GiveBack { task, back, run } => {
                let Some((index, attempt, run)) = self.target(task, back, run) else { return };
                let more = json!({ "error": error(0), "give_back": true });
                let told = self.call(index, attempt, run, "fail", more).await;
                let current = self.current;
                let paper = &mut self.papers[index];
                if paper.is_waiting() && attempt > 0 && attempt == paper.attempt {
                    assert_eq!(told, None, "given back already");
                    return;
                }
                let refusal = paper.refuses(run, current, attempt);
                assert_eq!(told.as_deref(), refusal);
                if refusal.is_none() {
                    paper.state = "delivered";
                    paper.lease = None;
                    paper.allowed += 1;
                }
            }
            Step::Cancel { task } => {
                let Some((index, ..)) = self.target(task, 0, 0) else { return };
                let path = format!("/api/task/{}/cancel", self.papers[index].id);
                let told = self.hub().post(&self.person.token, &path, json!({})).await.body["code"].clone();
                let paper = &mut self.papers[index];
                match paper.end {
                    None => paper.end(End::Cancelled),
                    Some(End::Cancelled) => {}
                    Some(_) => return assert_eq!(told, "task_terminal"),
                }
                assert_eq!(told, Value::Null);
            }
            Step::Pass { seconds } => self.pass(seconds).await,
            Step::Takeover { holding } => self.take_over(&holding).await,
            Step::Restart => {
                let hub = self.hub.take().expect("present between steps");
                self.hub = Some(hub.restart().await);
                let until = self.now + LEASE;
                for (_, end) in self.papers.iter_mut().filter_map(|paper| paper.lease.as_mut()) {
                    *end = until.max(*end);
                }
            }
        }
    }

    async fn send(&mut self) {
        let body = json!({ "alias": "counter", "task": "x", "ttl_seconds": TTL });
        let sent = self.hub().post(&self.person.token, "/api/task", body).await.ok();
        self.papers.push(Paper {
            id: sent["task_id"].as_str().unwrap().to_owned(),
            state: "delivered",
            attempt: 0,
            allowed: ATTEMPTS,
            lease: None,
            expires: self.now + TTL,
            end: None,
        });
    }

    async fn claim(&mut self, max: u32, run: usize, forgetful: bool) {
        let known = |paper: &Paper| json!({ "task_id": paper.id, "attempt": paper.attempt });
        let holding: Vec<Value> = if forgetful { Vec::new() } else { self.papers.iter().map(known).collect() };
        let body = json!({ "instance_id": self.run(run).instance, "max": max, "holding": holding });
        let reply = self.hub().post(&self.node.token, "/api/node/claim", body).await;
        if run != self.current {
            reply.refused(409, "instance_superseded");
            return;
        }
        let (now, mut expected) = (self.now, Vec::new());
        let (mut room, lease) = (max as usize, Some((run, now + LEASE)));
        let unheard = |paper: &&mut Paper| forgetful && paper.lease.is_some() && paper.state == "delivered";
        for paper in self.papers.iter_mut().filter(unheard).take(room) {
            paper.lease = lease;
            expected.push((json!(paper.id), json!(paper.attempt)));
        }
        room -= expected.len();
        let waiting = self.papers.iter_mut().filter(|paper| paper.is_waiting() && paper.expires > now);
        for paper in waiting.take(room) {
            paper.attempt += 1;
            paper.lease = lease;
            expected.push((json!(paper.id), json!(paper.attempt)));
        }
        let body = reply.ok();
        let tasks = body["tasks"].as_array().unwrap().iter();
        let claimed: Vec<_> = tasks.map(|task| (task["task_id"].clone(), task["attempt"].clone())).collect();
        assert_eq!(claimed, expected);
    }

    fn answer(&mut self, index: usize, attempt: u32, run: usize, told: Option<&str>, end: End) {
        let current = self.current;
        let paper = &mut self.papers[index];
        if paper.end.as_ref() == Some(&end) {
            assert_eq!(told, None, "the same answer again is confirmed");
            return;
        }
        let refusal = paper.refuses(run, current, attempt);
        assert_eq!(told, refusal);
        if refusal.is_none() {
            paper.end(end);
        }
    }

    async fn pass(&mut self, seconds: i64) {
        self.now += seconds;
        self.hub().clock.advance(seconds);
        self.hub().sweep().await;
        let now = self.now;
        for paper in &mut self.papers {
            if paper.lease.is_some_and(|(_, end)| end <= now) {
                paper.lose();
            }
            if paper.is_waiting() && paper.expires <= now {
                paper.end(End::Expired);
            }
        }
    }

    async fn take_over(&mut self, holding: &[(usize, u32)]) {
        let named: Vec<(usize, u32)> = holding
            .iter()
            .filter_map(|(task, back)| self.target(*task, *back, 0))
            .map(|(index, attempt, _)| (index, attempt))
            .collect();
        let attempts: Vec<Attempt> = named
            .iter()
            .map(|(index, attempt)| Attempt { task_id: self.papers[*index].id.as_str().into(), attempt: *attempt })
            .collect();
        self.hub().report(&self.run(self.current), "offline").await.ok();
        self.current += 1;
        let body = self.hub().register(&self.run(self.current), &attempts).await.ok();
        let (run, until) = (self.current, self.now + LEASE);
        for (index, paper) in self.papers.iter_mut().enumerate() {
            let is_named = named.contains(&(index, paper.attempt));
            if paper.lease.is_some() && !is_named {
                paper.lose();
            } else if (paper.lease.is_some() || (paper.is_waiting() && paper.attempt > 0)) && is_named {
                paper.lease = Some((run, until));
            }
        }
        let is_lost = |(index, attempt): &(usize, u32)| {
            let paper = &self.papers[*index];
            paper.end.is_some() || paper.attempt != *attempt || *attempt == 0
        };
        let lost: Vec<Attempt> = named
            .iter()
            .zip(&attempts)
            .filter(|(named, _)| is_lost(named))
            .map(|(_, attempt)| attempt.clone())
            .collect();
        assert_eq!(body["lost"], json!(lost));
    }

    /// Every task is in the state that the paper says, and the counters are right.
    async fn compare(&self) {
        let list = self.hub().get(&self.person.token, "/api/tasks?limit=200").await.ok();
        let seen: BTreeMap<_, _> = list["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| {
                (task["task_id"].as_str().unwrap(), (task["status"].as_str().unwrap(), task["attempt"].clone()))
            })
            .collect();
        let expected: BTreeMap<_, _> =
            self.papers.iter().map(|paper| (paper.id.as_str(), (paper.status(), json!(paper.attempt)))).collect();
        assert_eq!(seen, expected);
        crate::store::tests::assert_counters_agree(self.hub()).await;
    }

    /// Lets everything come to its end, and looks at the history.
    async fn finish(&mut self) {
        for _ in 0..30 {
            self.pass(LEASE).await;
        }
        self.compare().await;
        for paper in &self.papers {
            assert!(paper.end.is_some(), "{paper:?}");
            let path = format!("/api/task_events?limit=500&task_id={}", paper.id);
            let events = self.hub().get(&self.person.token, &path).await.ok();
            let ends = events["events"].as_array().unwrap().iter().filter(|event| {
                matches!(event["to_status"].as_str(), Some("replied" | "failed" | "cancelled" | "expired"))
            });
            assert_eq!(ends.count(), 1, "exactly one end: {events:#}");
        }
        let messages =
            self.hub().get(&self.person.token, "/api/messages?limit=500&since=2026-01-01T00:00:00Z").await.ok();
        let replies = messages["messages"].as_array().unwrap().iter().filter(|message| message["type"] == "reply");
        assert_eq!(replies.count(), self.papers.len(), "the sender is told once of each end");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_is_the_one_of_the_model(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
            }
            world.compare().await;
            world.finish().await;
        });
    }
}
