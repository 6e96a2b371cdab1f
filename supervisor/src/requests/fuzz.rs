//! Random, cut and mutated requests, from the bytes of a connection to the answer, without a socket: so many that what is
//! rare happens too (R56). What would start a program or end the supervisor is not among what is mutated.
//!
//! `ANET_FUZZ_FRAMES=100000000 cargo test --release -p anet-supervisor --lib requests::fuzz`

use std::pin::Pin;
use std::sync::{Arc, Mutex, RwLock};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use anet_protocol::control::Requester;
use anet_protocol::time::Timestamp;
use anet_protocol::{Clock, Entropy};
use axum::Router;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{LARGEST_BODY, operators, router};
use crate::audit_log::AuditLog;
use crate::capture::{Captures, LogRoom};
use crate::control_socket::answer;
use crate::directory_watcher::DirectoryWatcher;
use crate::events::Events;
use crate::failpoint::Failpoint;
use crate::logs::SharedReaders;
use crate::notify_socket::Routes;
use crate::paths::{Paths, ensure_private_directory};
use crate::process::{Context, HubGate, Storm};
use crate::registry::Registry;
use crate::service_manager::ServiceManager;
use crate::settings::Settings;
use crate::settings_file::Options;
use crate::state_file::{State, StateStore};
use crate::system::own_memory::Tidying;
use crate::system::process_table::ProcessTable;

/// How long a connection may last when its client says nothing more.
const PATIENCE: Duration = Duration::from_secs(60);
/// Frames when nobody says how many.
const FRAMES: usize = 20_000;

const FREQUENT: [&str; 14] = [
    "GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /v1/hub HTTP/1.1\r\nhost: x\r\nconnection: keep-alive\r\n\r\n",
    "GET /v1/nodes HTTP/1.1\r\nhost: x\r\naccept: application/json\r\n\r\n",
    "GET /v1/nodes/nobody?project=/x HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /v1/nodes/nobody/references?project=%2Fx HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /v1/nodes/nobody/logs?lines=3&since=2026-11-24T08:00:00Z&stream=err&after=a.log:1.2:3 HTTP/1.1\r\nhost: x\r\n\r\n",
    "POST /v1/nodes/nobody/start HTTP/1.1\r\nhost: x\r\ncontent-length: 37\r\n\r\n{\"project\":\"/none\",\"wait_seconds\":30}",
    "POST /v1/nodes/nobody/stop HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "POST /v1/nodes/nobody/restart HTTP/1.1\r\nhost: x\r\ncontent-length: 21\r\n\r\n{\"drain_seconds\":300}",
    "POST /v1/nodes/nobody/register HTTP/1.1\r\nhost: x\r\ncontent-length: 19\r\n\r\n{\"project\":\"/none\"}",
    "POST /v1/nodes/nobody/forget HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}",
    "POST /v1/hub/start HTTP/1.1\r\nhost: x\r\ncontent-length: 27\r\n\r\n{\"listen\":\"\",\"surplus\":[0]}",
    "POST /v1/upgrade HTTP/1.0\r\nhost: x\r\ncontent-length: 26\r\n\r\n{\"executable\":\"\",\"more\":0}",
    "POST /v1/shutdown HTTP/1.1\r\nhost: x\r\ncontent-length: 23\r\n\r\n{\"stop_children\":\"yes\"}",
];

/// Those that another thread, a timer or the disk has a part in.
const SELDOM: [&str; 5] = [
    "GET /v1/events?follow=false&since=1-1 HTTP/1.1\r\nhost: x\r\nlast-event-id: 7-7\r\n\r\n",
    "GET /v1/hub/logs?lines=1&grep=x HTTP/1.1\r\nhost: x\r\n\r\n",
    "POST /v1/hub/stop HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
    "POST /v1/reload HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
    "GET /v1/plan HTTP/1.1\r\nhost: x\r\n\r\n",
];

/// xorshift64*, so that a number names everything that one connection says.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % bound
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}

/// Adds a valid request with some of it replaced, doubled or cut off, or no request at all. Whether another may follow: the
/// end of a client is not noticed while more of what it said is to be read and a stream is written.
fn frame(chance: &mut Chance, bytes: &mut Vec<u8>) -> bool {
    let start = bytes.len();
    let is_last = chance.below(256) == 0;
    let valid: &[&str] = if is_last { &SELDOM } else { &FREQUENT };
    bytes.extend_from_slice(valid[chance.below(valid.len())].as_bytes());
    let length = bytes.len() - start;
    let from = start + chance.below(length);
    let to = (from + chance.below(16)).min(bytes.len());
    match chance.below(16) {
        0 => bytes.truncate(from),
        1 => {
            bytes.truncate(start);
            bytes.extend((0..chance.below(200)).map(|_| chance.byte()));
        }
        2..=4 => bytes[from] ^= 1 << chance.below(8),
        5 | 6 => {
            let piece = bytes[from..to].to_vec();
            let at = start + chance.below(length);
            bytes.splice(at..at, piece);
        }
        7 | 8 => drop(bytes.drain(from..to)),
        // As it is.
        9 | 10 => {}
        _ => {
            let with: Vec<u8> = (0..chance.below(12)).map(|_| chance.byte()).collect();
            bytes.splice(from..to, with);
        }
    }
    if chance.below(100_000) == 0 {
        let surplus = chance.below(3);
        let body = LARGEST_BODY - 1 + surplus;
        let head = format!("POST /v1/nodes/nobody/stop HTTP/1.1\r\nhost: x\r\ncontent-length: {body}\r\n\r\n");
        bytes.extend_from_slice(head.as_bytes());
        bytes.resize(bytes.len() + body, b' ');
    }
    !is_last
}

/// The client's side: what it says, and the first digit of each answer's status.
struct Client<'test> {
    says: &'test [u8],
    answers: &'test mut [usize; 10],
}

impl AsyncRead for Client<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let (now, later) = self.says.split_at(self.says.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.says = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Client<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        for at in memchr::memmem::find_iter(bytes, b"HTTP/1.1 ").map(|at| at + b"HTTP/1.1 ".len()) {
            let class = bytes.get(at).map_or(0, |digit| usize::from(digit.wrapping_sub(b'0')));
            self.answers[class % 10] += 1;
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_326_235_417)
    }
}

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

/// A supervisor that looks after nothing.
async fn registry(directory: &TempDir) -> Arc<Registry> {
    let none = directory.path().join("none");
    let settings = Settings::new(directory.path().join("home"), none.clone(), "test".to_owned(), Vec::new());
    let paths = Paths::new(&settings.home);
    ensure_private_directory(&settings.home).unwrap();
    ensure_private_directory(&paths.state_directory).unwrap();
    let state = State::new(none);
    let (store, writer) = StateStore::new(paths.state.clone(), String::new(), state.clone(), Failpoint::default());
    tokio::spawn(writer);
    let directory_watcher = Arc::<DirectoryWatcher>::default();
    let room = Arc::new(LogRoom::new(paths.home.clone(), None));
    let context = Arc::new(Context {
        program_policies: crate::program_policies::ProgramPolicies::default(),
        options: RwLock::new(Options::load(&settings.home, &settings.policies).unwrap()),
        captures: Arc::new(Captures::new(Arc::new(Fixed), Arc::clone(&directory_watcher), room)),
        events: Events::new(&paths.state_directory, Fixed.now()),
        audit_log: AuditLog::new(&paths.state_directory),
        service_manager: ServiceManager::of(&[]).unwrap(),
        settings,
        paths,
        clock: Arc::new(Fixed),
        entropy: Arc::new(Fixed),
        store,
        table: ProcessTable::default(),
        followers: ProcessTable::default(),
        tidying: Tidying::default(),
        routes: Routes::default(),
        flushes: mpsc::channel(1).0,
        boot_id: String::new(),
        directory_watcher,
        log_readers: SharedReaders::default(),
        delegation: None,
        storm: Storm::default(),
        hub_gate: watch::channel(HubGate::default()).0,
        reloaded: Notify::new(),
        replacement: Mutex::default(),
    });
    Arc::new(Registry::boot(context, state, None, TaskTracker::new(), CancellationToken::new()).await)
}

/// Has so many frames read, as whoever may use that door; how many answers of each class there were. What follows a frame
/// that ends its connection is not read, and does not count.
async fn say(door: &Router, frames: usize, seed: u64, leave: &CancellationToken) -> [usize; 10] {
    let requester = Requester { uid: 0, pid: 1, program: None };
    let mut answers = [0; 10];
    let mut read = 0;
    let mut bytes = Vec::new();
    for connection in 1.. {
        if read >= frames {
            break;
        }
        // Names all that is said in this connection.
        let mut chance = Chance((seed << 48) ^ u64::wrapping_mul(connection, 0x9e37_79b9_7f4a_7c15));
        bytes.clear();
        let most = chance.below(4);
        let mut count = 0;
        while frame(&mut chance, &mut bytes) && count < most {
            count += 1;
        }
        let before: usize = answers.iter().sum();
        let client = Client { says: &bytes, answers: &mut answers };
        let conversation = answer(client, door.clone(), requester.clone(), leave.clone(), Default::default);
        let ended = tokio::time::timeout(PATIENCE, conversation).await;
        assert!(ended.is_ok(), "connection {connection} has no end: {}", String::from_utf8_lossy(&bytes));
        assert_eq!(answers[5], 0, "connection {connection}: {}", String::from_utf8_lossy(&bytes));
        read += (answers.iter().sum::<usize>() - before).max(1);
    }
    answers
}

#[tokio::test]
async fn no_bytes_make_the_supervisor_panic_or_fail() {
    #[expect(clippy::disallowed_methods, reason = "how long to go on is for whoever runs the test to say")]
    let frames = std::env::var("ANET_FUZZ_FRAMES").ok().and_then(|text| text.parse().ok()).unwrap_or(FRAMES);
    let directory = tempfile::tempdir().unwrap();
    let registry = registry(&directory).await;
    let leave = registry.leave.clone();
    for (seed, door) in [(1, router(Arc::clone(&registry))), (2, operators(Arc::clone(&registry)))] {
        let answers = say(&door, frames / 2, seed, &leave).await;
        println!("{} frames, {} answers of 2xx, {} of 4xx", frames / 2, answers[2], answers[4]);
        assert!(answers[2] > frames / 100 && answers[4] > frames / 10, "{answers:?}");
    }
    assert!(registry.all_nodes().is_empty() && !leave.is_cancelled(), "something was changed");
}
