//! The least that a supervisor can do, as the floor of the benchmark: starts what it is told, starts again what
//! ended, obeys `start`, `stop` and `status` on a socket. No policy, no log, no state, no check of anything.
//!
//! `supervisor_floor run SOCKET COUNT PROGRAM ARGUMENT…` and `supervisor_floor tell SOCKET WORD`.

#![expect(clippy::print_stdout, reason = "the answer of `tell`")]

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::wait;
use nix::unistd::Pid;

/// Who runs, and whether that is wanted.
struct Children {
    command_line: Vec<String>,
    is_wanted: bool,
    pids: Vec<Option<u32>>,
}

impl Children {
    fn start(&mut self, place: usize) {
        let mut command = Command::new(&self.command_line[0]);
        command.args(&self.command_line[1..]).stdin(Stdio::null());
        // Waited for by number, below.
        #[expect(clippy::zombie_processes, reason = "one thread waits for all children at once")]
        let child = command.spawn().expect("the program starts");
        self.pids[place] = Some(child.id());
    }

    fn start_all(&mut self) {
        self.is_wanted = true;
        (0..self.pids.len())
            .filter(|place| self.pids[*place].is_none())
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|place| self.start(place));
    }

    fn stop_all(&mut self) {
        self.is_wanted = false;
        for pid in self.pids.iter().flatten() {
            let pid = Pid::from_raw(i32::try_from(*pid).expect("a pid fits"));
            kill(pid, Signal::SIGTERM).expect("it is our child, not waited for yet");
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["run", socket, count, ..] => run(socket, count.parse().expect("a number"), arguments[3..].to_vec()),
        ["tell", socket, word] => tell(socket, word),
        _ => panic!("usage: run SOCKET COUNT PROGRAM…, or tell SOCKET WORD"),
    }
}

fn run(socket: &str, count: usize, command_line: Vec<String>) {
    let listener = UnixListener::bind(socket).expect("the socket is free");
    let children = Arc::new(Mutex::new(Children { command_line, is_wanted: true, pids: vec![None; count] }));
    children.lock().expect("nobody panicked").start_all();
    let answered = Arc::clone(&children);
    std::thread::spawn(move || listener.incoming().for_each(|stream| answer(&answered, stream.expect("a client"))));
    loop {
        let Ok(status) = wait() else {
            // Nobody is alive: the next one is started by a client.
            std::thread::park_timeout(std::time::Duration::from_millis(1));
            continue;
        };
        let ended = status.pid().map(|pid| pid.as_raw().unsigned_abs());
        let mut children = children.lock().expect("nobody panicked");
        if let Some(place) = children.pids.iter().position(|pid| *pid == ended) {
            children.pids[place] = None;
            if children.is_wanted {
                children.start(place);
            }
        }
    }
}

fn answer(children: &Mutex<Children>, mut stream: UnixStream) {
    let mut word = String::new();
    stream.read_to_string(&mut word).expect("a word");
    let mut children = children.lock().expect("nobody panicked");
    match word.as_str() {
        "start" => children.start_all(),
        "stop" => children.stop_all(),
        _ => {}
    }
    let lines: Vec<String> =
        children.pids.iter().map(|pid| pid.map_or("down".to_owned(), |pid| pid.to_string())).collect();
    stream.write_all(lines.join("\n").as_bytes()).expect("the client listens");
}

fn tell(socket: &str, word: &str) {
    let mut stream = UnixStream::connect(socket).expect("the supervisor runs");
    stream.write_all(word.as_bytes()).and_then(|()| stream.shutdown(Shutdown::Write)).expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    println!("{text}");
}
