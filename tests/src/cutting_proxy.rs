use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// Stands between a node and the hub and breaks chosen calls at a chosen instant.
#[derive(Debug)]
pub struct CuttingProxy {
    /// The address to give to the node.
    pub url: String,
    fault: Arc<Mutex<Option<Fault>>>,
}

/// What to break: calls whose path contains `path`.
#[derive(Clone, Debug)]
struct Fault {
    path: &'static str,
    when: When,
    /// Told at each call that was broken; waits for the answer before the connection is cut.
    broken: Sender<Sender<()>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Before the hub sees the call.
    Before,
    /// After the hub has answered, so that its work is done and the node does not know.
    AfterAnswer,
}

/// One call that was broken. The connection is cut when this is dropped.
#[derive(Debug)]
pub struct Broken(#[expect(dead_code, reason = "dropping it is what it is for")] Sender<()>);

/// The calls that were broken.
#[derive(Debug)]
pub struct BrokenCalls(Receiver<Sender<()>>);

impl BrokenCalls {
    /// Waits for the next one.
    ///
    /// # Panics
    /// When none comes within a minute.
    #[must_use]
    pub fn next(&self) -> Broken {
        Broken(self.0.recv_timeout(std::time::Duration::from_secs(60)).expect("a call is broken within a minute"))
    }
}

impl CuttingProxy {
    /// Passes everything on to the hub at `hub`, an http address.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn start(hub: &str) -> Self {
        let hub: SocketAddr = hub.trim_start_matches("http://").parse().expect("a hub's address");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let fault = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&fault);
        // The threads end with the connections; the listener ends with the test's process.
        thread::spawn(move || {
            for node in listener.incoming().flatten() {
                let fault = Arc::clone(&shared);
                thread::spawn(move || connection(&node, hub, &fault));
            }
        });
        Self { url, fault }
    }

    /// Breaks calls whose path contains `path` before the hub sees them.
    #[must_use]
    pub fn cut_before(&self, path: &'static str) -> BrokenCalls {
        self.arm(path, When::Before)
    }

    /// Breaks calls whose path contains `path` after the hub has answered.
    #[must_use]
    pub fn cut_after_answer(&self, path: &'static str) -> BrokenCalls {
        self.arm(path, When::AfterAnswer)
    }

    fn arm(&self, path: &'static str, when: When) -> BrokenCalls {
        let (broken, calls) = channel();
        *self.fault.lock().expect("no holder panics") = Some(Fault { path, when, broken });
        BrokenCalls(calls)
    }

    /// Passes everything on again.
    pub fn heal(&self) {
        *self.fault.lock().expect("no holder panics") = None;
    }
}

fn connection(node: &TcpStream, hub: SocketAddr, fault: &Mutex<Option<Fault>>) {
    // Without a hub the node sees a connection that ends at once, as it would without the proxy.
    let Ok(hub) = TcpStream::connect(hub) else { return };
    let doomed = Mutex::new(None);
    thread::scope(|scope| {
        scope.spawn(|| {
            answers(node, &hub, &doomed);
            close(node, &hub);
        });
        requests(node, &hub, fault, &doomed);
        close(node, &hub);
    });
}

fn close(node: &TcpStream, hub: &TcpStream) {
    for stream in [node, hub] {
        // The other half may have closed it already.
        stream.shutdown(Shutdown::Both).unwrap_or_default();
    }
}

/// Passes the node's bytes on until a call is to be broken before the hub sees it. A call that is to be
/// broken after its answer is only noted: the other direction breaks it.
fn requests(mut node: &TcpStream, mut hub: &TcpStream, fault: &Mutex<Option<Fault>>, doomed: &Mutex<Option<Fault>>) {
    let mut buffer = [0; 8 * 1024];
    while let Ok(length @ 1..) = node.read(&mut buffer) {
        let fault = fault.lock().expect("no holder panics").clone();
        let hit = fault.filter(|fault| contains(&buffer[..length], fault.path.as_bytes()));
        match hit {
            Some(fault) if fault.when == When::Before => return report(&fault),
            Some(fault) => *doomed.lock().expect("no holder panics") = Some(fault),
            None => {}
        }
        if hub.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

/// Passes the hub's bytes on until they answer a call that is to be broken.
fn answers(mut node: &TcpStream, mut hub: &TcpStream, doomed: &Mutex<Option<Fault>>) {
    let mut buffer = [0; 8 * 1024];
    while let Ok(length @ 1..) = hub.read(&mut buffer) {
        if let Some(fault) = doomed.lock().expect("no holder panics").take() {
            return report(&fault);
        }
        if node.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

/// Tells that a call is broken and waits until the test has done what it wants to do at that instant.
fn report(fault: &Fault) {
    let (resume, resumed) = channel();
    if fault.broken.send(resume).is_ok() {
        // Ends with an error when the test drops its end, which is the signal.
        resumed.recv().unwrap_or_default();
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
