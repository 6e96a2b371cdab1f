//! A hub on a free port of 127.0.0.1, for the power-cut test and `.ci/api-fuzz`:
//! `hub_server <database> <full|normal> [unlimited]`. `unlimited` lets one address ask as often as it likes.
//!
//! It prints its address once it answers, and ends when its stdin does, so that it cannot outlive who started it.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::{env, io, thread};

use anet_hub::{Durability, RateLimits, Settings};
use anet_protocol::time::Timestamp;
use anet_protocol::{Clock, Entropy};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(database), Some(durability)) = (arguments.next(), arguments.next()) else {
        return Err("usage: hub_server <database> <full|normal> [unlimited]".into());
    };
    let durability = match durability.as_str() {
        "full" => Durability::Full,
        "normal" => Durability::Normal,
        other => return Err(format!("durability is `full` or `normal`, not `{other}`").into()),
    };
    let limits = match arguments.next().as_deref() {
        None => RateLimits::default(),
        Some("unlimited") => RateLimits::off(),
        Some(other) => return Err(format!("the limits are `unlimited` or not given, not `{other}`").into()),
    };
    let settings = Settings { database: database.into(), durability, limits, ..Settings::default() };

    let stop = CancellationToken::new();
    let stdin_closed = stop.clone().drop_guard();
    // A thread of its own: the runtime would wait for a pending read before it ends.
    thread::spawn(move || {
        let _stop = stdin_closed;
        io::copy(&mut io::stdin(), &mut io::sink())
    });

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let ready = |address: SocketAddr| writeln!(io::stdout(), "{address}").expect("somebody reads the address");
    anet_hub::serve(settings, listener, Arc::new(SystemClock), Arc::new(SystemEntropy), stop, ready).await?;
    Ok(())
}

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock that everything else is given")]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the Entropy that everything else is given")]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("Linux answers getrandom(2) once it has booted");
    }
}
