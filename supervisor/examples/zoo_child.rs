//! A badly behaved process for the supervisor's tests, which cannot use the real executable.
//!
//! `zoo_child node --directory DIR` and `zoo_child hub --listen-on-stdin --database FILE --log-dir DIR`
//! do, line by line, what the file `behaviour` in the node's directory (for the hub: in the working
//! directory) says; `zoo_child supervise HOME` is a supervisor that can be killed.
#![expect(clippy::disallowed_methods, reason = "a process of its own, not a part of the product")]

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use anet_protocol::control::CONTROL_VERSION;
use anet_protocol::time::Timestamp;
use anet_protocol::{Clock, Entropy};
use anet_supervisor::{Failpoint, Launcher, Settings, run};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid, setsid};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["node", "--directory", directory] => act(Path::new(directory)),
        ["hub", "--listen-on-stdin", ..] => act(Path::new(".")),
        ["helper", kind, directory] => help(kind, Path::new(directory)),
        ["notify", text] => {
            notify(text)?;
            // The supervisor must find the sender alive to see whose session it is in.
            loop {
                std::thread::park();
            }
        }
        ["notify-as-nobody", text] => notify_as_nobody(text),
        ["supervisor", "program-version"] => {
            writeln!(io::stdout(), r#"{{"version":"zoo","control_version":{CONTROL_VERSION}}}"#)?;
            Ok(ExitCode::SUCCESS)
        }
        ["eat", megabytes] => {
            eat(megabytes)?;
            loop {
                std::thread::park();
            }
        }
        ["stranger", signals] => stranger(Path::new(signals)),
        ["ask", uid, gid, socket, request] => ask(uid, gid, Path::new(socket), request),
        ["supervise", home] => supervise(Path::new(home), || {}),
        // For tests that count its descriptors, which otherwise only root can see.
        ["supervise-visibly", home] => supervise(Path::new(home), || {
            set_dumpable_behavior(DumpableBehavior::Dumpable).expect("a process may be dumped that asks for it");
        }),
        _ => Ok(ExitCode::from(2)),
    }
}

/// Does what `behaviour` says.
fn act(directory: &Path) -> io::Result<ExitCode> {
    let behaviour = std::fs::read_to_string(directory.join("behaviour"))?;
    for line in behaviour.lines() {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "count" => append(&directory.join("starts"), &std::process::id().to_string())?,
            "ready" => notify("READY=1")?,
            "tell" => notify(rest)?,
            "ready-through-a-child" => {
                Command::new(std::env::current_exe()?).args(["notify", "READY=1"]).spawn()?;
            }
            "ready-as-nobody" => {
                let mut command = Command::new(std::env::current_exe()?);
                let mut child =
                    command.args(["notify-as-nobody", "READY=1"]).stdout(std::process::Stdio::piped()).spawn()?;
                let mut told = [0; 4];
                child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?.read_exact(&mut told)?;
            }
            "say" => writeln!(io::stderr(), "{rest}")?,
            "print" => writeln!(io::stdout(), "{rest}")?,
            "half" => write_all(rest.as_bytes())?,
            "lines" => print_lines(rest)?,
            "spew" => spew(rest)?,
            "ignore-term" => SigSet::from(Signal::SIGTERM).thread_block()?,
            "helper" => {
                Command::new(std::env::current_exe()?).args(["helper", rest]).arg(directory).spawn()?;
                wait_for(&directory.join(format!("helper-{rest}")));
            }
            "environment" => {
                let mut file = File::create(directory.join("environment.new"))?;
                for (name, value) in std::env::vars_os() {
                    writeln!(file, "{}={}", name.display(), value.display())?;
                }
                std::fs::rename(directory.join("environment.new"), directory.join("environment"))?;
            }
            "wait-for" => wait_for(&directory.join(rest)),
            "heartbeat" => loop {
                notify(rest)?;
                std::thread::sleep(Duration::from_millis(20));
            },
            // Kept open until this process ends.
            "listen" => std::mem::forget(TcpListener::bind(("127.0.0.1", rest.parse().map_err(io::Error::other)?))?),
            "answer-hangup" => answer_hangup(directory, rest)?,
            "work" => work(directory)?,
            "serve" => serve()?,
            "close-outputs" => {
                nix::unistd::close(1)?;
                nix::unistd::close(2)?;
            }
            "eat" => eat(rest)?,
            "eat-in-a-child" => drop(Command::new(std::env::current_exe()?).args(["eat", rest]).spawn()?),
            "sleep" => loop {
                std::thread::park();
            },
            "crash" => raise(Signal::SIGKILL)?,
            "freeze" => raise(Signal::SIGSTOP)?,
            "become" => {
                std::fs::rename(directory.join(rest), directory.join("behaviour"))?;
                let mut command = Command::new(std::env::current_exe()?);
                return Err(command.args(["node", "--directory"]).arg(directory).exec());
            }
            "exit" => return Ok(ExitCode::from(rest.parse().unwrap_or(2))),
            _ => return Ok(ExitCode::from(2)),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells something at each SIGHUP, for ever.
fn answer_hangup(directory: &Path, text: &str) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
        notify("X_ANET_LINK=connected\nREADY=1")?;
        loop {
            hangup.recv().await;
            append(&directory.join("hangups"), "heard")?;
            notify(text)?;
        }
    })
}

/// Has one task in hand until the file `done` is there, and takes no new one while it is asked to pause; writes down what it
/// is asked. For ever.
fn work(directory: &Path) -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut pause = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::user_defined1())?;
        let mut resume = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::user_defined2())?;
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let mut is_paused = false;
        notify("READY=1")?;
        loop {
            let wanted = tokio::select! {
                _ = pause.recv() => true,
                _ = resume.recv() => false,
                _ = tick.tick() => is_paused,
            };
            if wanted != is_paused {
                append(&directory.join("asked"), if wanted { "pause" } else { "resume" })?;
                is_paused = wanted;
            }
            let tasks = u32::from(!directory.join("done").exists());
            let paused = u32::from(is_paused);
            notify(&format!("WATCHDOG=1 X_ANET_LINK=connected X_ANET_WORK={tasks} X_ANET_PAUSED={paused}"))?;
        }
    })
}

/// Sends a request as another user, and prints the answer, or the number of the error that the kernel gave.
fn ask(uid: &str, gid: &str, socket: &Path, request: &str) -> io::Result<ExitCode> {
    let number = |text: &str| text.parse::<u32>().map_err(io::Error::other);
    let (uid, gid) = (Uid::from_raw(number(uid)?), Gid::from_raw(number(gid)?));
    setgroups(&[gid])?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    match UnixStream::connect(socket) {
        Ok(mut stream) => {
            stream.write_all(request.as_bytes())?;
            io::copy(&mut stream, &mut io::stdout())?;
        }
        Err(error) => writeln!(io::stdout(), "errno {}", error.raw_os_error().unwrap_or_default())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A process that is none of the supervisor's: it writes down every signal that it gets, and leads a session.
fn stranger(signals: &Path) -> io::Result<ExitCode> {
    SigSet::all().thread_block()?;
    setsid()?;
    std::fs::write(signals, "ready\n")?;
    loop {
        append(signals, SigSet::all().wait()?.as_str())?;
    }
}

/// A descendant that tries to get away: it stays in the group, makes its own session, is a daemon, one with an empty
/// environment, or one that also takes the mark from its limits.
fn help(kind: &str, directory: &Path) -> io::Result<ExitCode> {
    match kind {
        "group" | "settled" => {}
        "session" => drop(setsid()?),
        "daemon" | "clean" | "unmarked" => {
            setsid()?;
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["helper", "settled"]).arg(directory);
            if kind != "daemon" {
                command.env_clear();
            }
            if kind == "unmarked" {
                let limit = getrlimit(Resource::Rttime);
                setrlimit(Resource::Rttime, Rlimit { current: limit.maximum, ..limit })?;
            }
            command.spawn()?;
            wait_for(&directory.join("helper-settled"));
            std::fs::rename(directory.join("helper-settled"), directory.join(format!("helper-{kind}")))?;
            return Ok(ExitCode::SUCCESS);
        }
        _ => return Ok(ExitCode::from(2)),
    }
    SigSet::from(Signal::SIGTERM).thread_block()?;
    let file = directory.join(format!("helper-{kind}"));
    std::fs::write(file.with_extension("new"), std::process::id().to_string())?;
    std::fs::rename(file.with_extension("new"), file)?;
    loop {
        std::thread::park();
    }
}

fn notify(text: &str) -> io::Result<()> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    match UnixDatagram::unbound()?.send_to(text.replace(' ', "\n").as_bytes(), PathBuf::from(path)) {
        Ok(_) => Ok(()),
        // No supervisor lives at the moment; real children go on as well.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Says it as another user, over a socket that was connected before; says nothing where only root could do that.
fn notify_as_nobody(text: &str) -> io::Result<ExitCode> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(std::env::var_os("NOTIFY_SOCKET").map(PathBuf::from).unwrap_or_default())?;
    if nix::unistd::geteuid().is_root() {
        nix::unistd::setuid(nix::unistd::Uid::from_raw(65534))?;
        socket.send(text.as_bytes())?;
    }
    writeln!(io::stdout(), "told")?;
    loop {
        std::thread::park();
    }
}

/// `<count> <milliseconds>`: numbered lines, each written by itself, with a pause after every hundred.
fn print_lines(rest: &str) -> io::Result<()> {
    let (count, pause) = rest.split_once(' ').unwrap_or((rest, "0"));
    let pause = Duration::from_millis(pause.parse().map_err(io::Error::other)?);
    for number in 1..=count.parse::<u64>().map_err(io::Error::other)? {
        write_all(format!("line {number}\n").as_bytes())?;
        if number % 100 == 0 {
            std::thread::sleep(pause);
        }
    }
    Ok(())
}

/// So many megabytes as fast as it can.
fn spew(megabytes: &str) -> io::Result<()> {
    let block = "spew spew spew spew spew spew sp\n".repeat(32 * 1024);
    for _ in 0..megabytes.parse::<u64>().map_err(io::Error::other)? {
        write_all(block.as_bytes())?;
    }
    Ok(())
}

/// So many megabytes, kept for ever.
fn eat(megabytes: &str) -> io::Result<()> {
    let count = megabytes.parse::<usize>().map_err(io::Error::other)? << 20;
    std::mem::forget(std::hint::black_box(vec![1_u8; count]));
    Ok(())
}

/// To standard output, which must not be buffered here.
fn write_all(bytes: &[u8]) -> io::Result<()> {
    File::from(io::stdout().as_fd().try_clone_to_owned()?).write_all(bytes)
}

/// Answers each connection to the inherited socket with this process's id.
fn serve() -> io::Result<()> {
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    notify("READY=1")?;
    for stream in listener.incoming() {
        writeln!(stream?, "{}", std::process::id())?;
    }
    Ok(())
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    writeln!(File::options().create(true).append(true).open(path)?, "{line}")
}

fn wait_for(path: &Path) {
    while !path.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A supervisor of its own process, so that it can be killed.
fn supervise(home: &Path, is_ready: impl FnOnce() + Send) -> io::Result<ExitCode> {
    let me = std::env::current_exe()?;
    let mut settings = Settings::new(home.to_owned(), me.clone(), "zoo".to_owned(), std::env::vars_os().collect());
    settings.launcher = Launcher { hub: vec![me.clone().into(), "hub".into()], node: vec![me.into(), "node".into()] };
    settings.owns_process = true;
    settings.policies.defaults.stop_grace = Duration::from_secs(2);
    settings.arguments = vec!["supervise".into(), home.into()];
    settings.failpoint = fatal_failpoint(home.with_file_name("failpoint"));
    let runtime = tokio::runtime::Runtime::new()?;
    let stop = tokio_util::sync::CancellationToken::new();
    let outcome = runtime.block_on(run(settings, Arc::new(System), Arc::new(System), stop, is_ready));
    outcome.map(|()| ExitCode::SUCCESS).map_err(io::Error::other)
}

/// Kills this process at the place that the file names, once.
fn fatal_failpoint(armed: PathBuf) -> Failpoint {
    Failpoint::new(move |place| {
        if std::fs::read_to_string(&armed).is_ok_and(|named| named == place) && std::fs::remove_file(&armed).is_ok() {
            raise(Signal::SIGKILL).expect("a process may kill itself");
        }
    })
}

struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }
}

impl Entropy for System {
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the kernel gives random bytes");
    }
}
