//! Who holds a TCP port: `/proc/net/tcp` names the socket, `/proc/<pid>/fd` who has it open.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::system::process_entry::ProcessEntry;

/// State of a listening socket in `/proc/net/tcp` (`TCP_LISTEN` of the kernel's `tcp_states.h`).
const LISTENING: &str = "0A";

/// A listening socket.
#[derive(Debug, PartialEq, Eq)]
struct Listener {
    address: SocketAddr,
    uid: u32,
    inode: u64,
}

/// Who has a listening socket open.
#[derive(Debug)]
pub(crate) enum Owner {
    /// A process of this user's, or any for root.
    Process(ProcessEntry),
    /// A process of another user's.
    Hidden {
        /// The user.
        uid: u32,
    },
}

impl Owner {
    /// The process, where it can be seen.
    pub(crate) const fn pid(&self) -> Option<u32> {
        match self {
            Self::Process(process) => Some(process.pid),
            Self::Hidden { .. } => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(process) => formatter.write_str(&process.describe()),
            Self::Hidden { uid } => write!(formatter, "a process of uid {uid}, which this user cannot see"),
        }
    }
}

fn tables() -> [String; 2] {
    ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default())
}

/// The owner of the socket that keeps `wanted` from being bound; `None` when nobody listens there.
pub(crate) fn find_owner(wanted: SocketAddr) -> Option<Owner> {
    let tables = tables();
    let mut listeners = tables.iter().flat_map(|table| table.lines().filter_map(parse));
    let listener = listeners.find(|listener| is_in_the_way(listener.address, wanted))?;
    Some(find_process(listener.inode).map_or(Owner::Hidden { uid: listener.uid }, Owner::Process))
}

/// The address of the listening socket that is a process's standard input.
pub(crate) fn standard_input_listens_on(pid: u32) -> Option<SocketAddr> {
    let link = std::fs::read_link(format!("/proc/{pid}/fd/0")).ok()?;
    let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()?;
    tables()
        .iter()
        .flat_map(|table| table.lines().filter_map(parse))
        .find(|listener| listener.inode == inode)
        .map(|listener| listener.address)
}

/// Names the owner of the socket that keeps `wanted` from being bound, as well as it can be seen.
pub(crate) fn describe_owner(wanted: SocketAddr) -> String {
    find_owner(wanted).map_or_else(|| "a process that cannot be found".to_owned(), |owner| owner.to_string())
}

fn is_in_the_way(held: SocketAddr, wanted: SocketAddr) -> bool {
    held.port() == wanted.port()
        && (held.ip() == wanted.ip() || held.ip().is_unspecified() || wanted.ip().is_unspecified())
}

/// Reads a line of the table: number, local address, remote address, state, queues, timer,
/// retransmits, uid, timeout, inode.
fn parse(line: &str) -> Option<Listener> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    if *fields.get(3)? != LISTENING {
        return None;
    }
    let (ip, port) = fields[1].split_once(':')?;
    let ip = parse_ip(ip)?;
    Some(Listener {
        address: SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?),
        uid: fields.get(7)?.parse().ok()?,
        inode: fields.get(9)?.parse().ok()?,
    })
}

/// The kernel prints addresses as 32-bit words in its own byte order.
fn parse_ip(hex: &str) -> Option<IpAddr> {
    let words: Option<Vec<[u8; 4]>> = (0..hex.len() / 8)
        .map(|word| Some(u32::from_str_radix(hex.get(word * 8..word * 8 + 8)?, 16).ok()?.to_ne_bytes()))
        .collect();
    let bytes = words?.concat();
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical()),
        _ => None,
    }
}

fn find_process(inode: u64) -> Option<ProcessEntry> {
    let socket = format!("socket:[{inode}]");
    let pids = std::fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.into_iter().find(|pid| holds(*pid, Path::new(&socket))).and_then(ProcessEntry::read)
}

fn holds(pid: u32, socket: &Path) -> bool {
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.filter_map(Result::ok).any(|entry| std::fs::read_link(entry.path()).is_ok_and(|link| link == socket))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn lines_of_both_tables_are_read_and_only_listeners_count() {
        let four = "   0: 0100007F:23F0 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1";
        let expected = Listener { address: "127.0.0.1:9200".parse().unwrap(), uid: 1000, inode: 4711 };
        assert_eq!(parse(four), Some(expected));
        assert_eq!(parse(&four.replace(" 0A ", " 01 ")), None);
        let six = four.replace("0100007F:", "00000000000000000000000001000000:");
        assert_eq!(parse(&six).unwrap().address, "[::1]:9200".parse().unwrap());
    }

    #[test]
    fn a_listener_on_every_address_is_in_the_way_of_each() {
        let address = |text: &str| text.parse().unwrap();
        assert!(is_in_the_way(address("0.0.0.0:1"), address("127.0.0.1:1")));
        assert!(is_in_the_way(address("127.0.0.1:1"), address("0.0.0.0:1")));
        assert!(!is_in_the_way(address("127.0.0.1:1"), address("127.0.0.2:1")));
        assert!(!is_in_the_way(address("0.0.0.0:2"), address("127.0.0.1:1")));
    }

    #[test]
    fn the_owner_of_a_real_port_is_named() {
        for local in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(local) else {
                assert!(local.starts_with('['), "there is no loopback interface");
                continue;
            };
            let text = describe_owner(listener.local_addr().unwrap());
            assert!(text.ends_with(&format!("(process {})", std::process::id())), "{text}");
        }
    }
}
