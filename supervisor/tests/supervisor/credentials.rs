//! The supervisor as the source of systemd's `LoadCredential=NAME:/path/to/socket`: a peer's address says what it wants.

use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anet_protocol::Entropy as _;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, connect, socket};
use serde_json::json;

use crate::harness::{Home, PATIENCE, System, as_another_user, open_to_all, write_config, write_dot_env};

const CANARY: &str = "sk-canary $HOME 'x'";

/// What a peer is given that is bound to `\0<random>/unit/<unit>/<credential>`, as systemd binds itself.
async fn ask(home: &Home, unit_and_credential: &str) -> String {
    let mut random = [0; 8];
    System.fill(&mut random);
    let address = format!("{:x}/unit/{unit_and_credential}", u64::from_ne_bytes(random));
    receive(home.path().join("run/credentials.sock"), Some(UnixAddr::new_abstract(address.as_bytes()).unwrap())).await
}

async fn receive(path: PathBuf, bound_to: Option<UnixAddr>) -> String {
    tokio::task::spawn_blocking(move || receive_now(&path, bound_to)).await.unwrap()
}

fn receive_now(path: &Path, bound_to: Option<UnixAddr>) -> String {
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    if let Some(address) = bound_to {
        bind(socket.as_raw_fd(), &address).unwrap();
    }
    connect(socket.as_raw_fd(), &UnixAddr::new(path).unwrap()).unwrap();
    let mut stream = UnixStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn a_service_is_given_the_secret_that_its_address_names() {
    let home = Home::new();
    let directory = home.node("writer", &["ready", "sleep"]);
    let env = json!({"API_KEY": {"_envRef": "API_KEY_N_1"}, "PLAIN": "sk-plain"});
    write_config(&directory, &json!({"node_name": "writer", "env": env}));
    write_dot_env(&directory, "API_KEY_N_1=\"sk-canary \\$HOME 'x'\"\nEMPTY=\n");
    let supervisor = home.supervise().await;
    let socket = home.path().join("run/credentials.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    // A node that was never made known has no secrets here.
    assert_eq!(ask(&home, "web.service/writer.API_KEY").await, "");
    supervisor.client.must_start(&home, "writer").await;

    assert_eq!(ask(&home, "web.service/writer.API_KEY").await, CANARY);
    assert_eq!(ask(&home, "web.service/writer.API_KEY_N_1").await, CANARY, "the name in the file does as well");
    // Read anew for each, whether or not the node runs.
    write_dot_env(&directory, "API_KEY_N_1=second\n");
    supervisor.client.stop("writer").await;
    assert_eq!(ask(&home, "web.service/writer.API_KEY").await, "second");
    supervisor.shut_down().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn whoever_asks_for_anything_else_is_given_no_byte() {
    let home = Home::new();
    let directory = home.node("writer", &["ready", "sleep"]);
    write_config(&directory, &json!({"node_name": "writer", "token": "ntok_canary", "env": {"PLAIN": "sk-plain"}}));
    write_dot_env(&directory, "KEY=sk-canary\nEMPTY=\n");
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "writer").await;
    for credential in ["writer.OTHER", "writer.EMPTY", "writer.PLAIN", "writer.token", "other.KEY", "writer", "hub.KEY"]
    {
        assert_eq!(ask(&home, &format!("web.service/{credential}")).await, "", "{credential}");
    }
    for address in ["web.service/../writer.KEY", "/writer.KEY", "writer.KEY"] {
        assert_eq!(ask(&home, address).await, "", "{address}");
    }
    let socket = home.path().join("run/credentials.sock");
    assert_eq!(receive(socket, None).await, "", "without an address");
    // The rules of the file hold here too.
    std::fs::set_permissions(directory.join(".env"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(ask(&home, "web.service/writer.KEY").await, "");
    std::fs::set_permissions(directory.join(".env"), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(ask(&home, "web.service/writer.KEY").await, "sk-canary");
    supervisor.shut_down().await;
}

/// The modes of the directories and of the socket keep others out. Were they opened by mistake, the check of the peer
/// does. Only root can be another user; for anybody else `only_the_owner_and_root_may_control` stands in for this.
#[tokio::test(flavor = "multi_thread")]
async fn another_user_is_given_no_secret_even_where_the_way_to_the_socket_is_open() {
    let home = Home::new();
    let directory = home.node("writer", &["ready", "sleep"]);
    write_dot_env(&directory, "KEY=sk-canary\n");
    let supervisor = home.supervise().await;
    supervisor.client.must_start(&home, "writer").await;
    assert_eq!(ask(&home, "web.service/writer.KEY").await, "sk-canary");
    let socket = home.path().join("run/credentials.sock");
    open_to_all(&socket);
    let mut random = [0; 8];
    System.fill(&mut random);
    let address = format!("{:x}/unit/web.service/writer.KEY", u64::from_ne_bytes(random));
    let given =
        as_another_user(move || receive_now(&socket, Some(UnixAddr::new_abstract(address.as_bytes()).unwrap())));
    assert_eq!(given.unwrap_or_default(), "");
    supervisor.shut_down().await;
}
