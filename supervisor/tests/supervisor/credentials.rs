//! The supervisor as the source of systemd's `LoadCredential=NAME:/path/to/socket`: a peer's address says what it wants.

use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use anet_protocol::Entropy as _;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, connect, socket};
use serde_json::json;

use crate::harness::{Home, PATIENCE, System, write_config, write_dot_env};

const CANARY: &str = "sk-canary $HOME 'x'";

/// What a peer is given that is bound to `\0<random>/unit/<unit>/<credential>`, as systemd binds itself.
async fn ask(home: &Home, unit_and_credential: &str) -> String {
    let mut random = [0; 8];
    System.fill(&mut random);
    let address = format!("{:x}/unit/{unit_and_credential}", u64::from_ne_bytes(random));
    receive(home.path().join("run/credentials.sock"), Some(UnixAddr::new_abstract(address.as_bytes()).unwrap())).await
}

async fn receive(path: PathBuf, bound_to: Option<UnixAddr>) -> String {
    let receive = move || {
        let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
        if let Some(address) = bound_to {
            bind(socket.as_raw_fd(), &address).unwrap();
        }
        connect(socket.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
        let mut stream = UnixStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    tokio::task::spawn_blocking(receive).await.unwrap()
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
