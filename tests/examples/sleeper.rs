//! A child for the benchmark of supervisors: says on a datagram socket that it was started, and sleeps.

use std::os::unix::net::UnixDatagram;

use nix::sys::time::TimeValLike as _;
use nix::time::{ClockId, clock_gettime};

fn main() {
    // Taken first: what follows is not the supervisor's time.
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the kernel has a clock");
    let socket = std::env::args().nth(1).expect("usage: sleeper SOCKET");
    let line = format!("{} {}", std::process::id(), now.num_nanoseconds());
    UnixDatagram::unbound().and_then(|sender| sender.send_to(line.as_bytes(), socket)).expect("the benchmark listens");
    loop {
        nix::unistd::pause();
    }
}
