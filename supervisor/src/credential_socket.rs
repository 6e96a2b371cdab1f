//! Secrets of nodes for other services of this user: the socket that systemd's `LoadCredential=NAME:/path/to/socket`
//! connects to (systemd.exec(5), R44). Whoever connects is told nothing but the value, and never asked anything: what
//! is wanted stands in the address that the peer is bound to.

use std::sync::Arc;
use std::time::Duration;

use anet_protocol::control::NodeTarget;
use anet_protocol::env_file;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::dot_env;
use crate::launch::NodeProgram;
use crate::local_socket::{accept, may_control};
use crate::registry::Registry;

/// Further peers wait in the kernel's queue.
const MOST_PEERS: usize = 32;
/// How long a peer may take to receive a value.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers until `leave` is cancelled.
pub(crate) async fn serve(listener: UnixListener, registry: Arc<Registry>, leave: CancellationToken) {
    let converse = |stream| {
        let (registry, leave) = (Arc::clone(&registry), leave.clone());
        async move { leave.run_until_cancelled(answer(stream, &registry)).await.unwrap_or_default() }
    };
    accept(listener, MOST_PEERS, leave.clone(), converse).await;
}

/// Gives one peer its value, or closes the connection without a byte.
async fn answer(stream: UnixStream, registry: &Registry) {
    let me = nix::unistd::geteuid().as_raw();
    let (uid, pid) = match stream.peer_cred() {
        Ok(peer) if may_control(peer.uid(), me) => (peer.uid(), peer.pid()),
        Ok(peer) => return tracing::warn!(uid = peer.uid(), "another user asked for a credential and got none"),
        Err(error) => return tracing::warn!(%error, "a peer of unknown origin asked for a credential and got none"),
    };
    let address = match stream.peer_addr() {
        Ok(address) => address,
        Err(error) => return tracing::warn!(uid, pid, %error, "a peer without an address got no credential"),
    };
    let Some(wanted) = address.as_abstract_name().and_then(Wanted::parse) else {
        return tracing::warn!(uid, pid, "a peer without a credential's name in its address got none");
    };
    let Wanted { unit, node, name } = wanted;
    let value = match registry.find(node, &NodeTarget::default()) {
        Ok(found) => value(&found.program, name),
        Err(refusal) => Err(refusal.0.error),
    };
    let value = match value {
        Ok(value) => value,
        Err(error) => return tracing::warn!(?unit, ?node, ?name, uid, pid, error, "no credential was given"),
    };
    match send(stream, &value, PATIENCE).await {
        Ok(()) => tracing::info!(?unit, ?node, ?name, uid, pid, "a credential was given"),
        Err(error) => tracing::warn!(?unit, ?node, ?name, uid, pid, %error, "a credential was not taken"),
    }
}

/// Who wants which secret of which node.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'address> {
    unit: &'address str,
    node: &'address str,
    name: &'address str,
}

impl<'address> Wanted<'address> {
    /// From an abstract address `<random hexadecimal digits>/unit/<unit>/<node>.<NAME>`. No node's name has a dot.
    fn parse(address: &'address [u8]) -> Option<Self> {
        let parts: Vec<&str> = std::str::from_utf8(address).ok()?.split('/').collect();
        let [random, "unit", unit, credential] = parts[..] else { return None };
        let (node, name) = credential.split_once('.')?;
        let is_random = !random.is_empty() && random.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_random && !unit.is_empty() && env_file::is_name(name)).then_some(Self { unit, node, name })
    }
}

/// The value of a node's variable that stands in its `.env`, or of the name under which it stands there.
fn value(node: &NodeProgram, name: &str) -> Result<SecretString, String> {
    let values = dot_env::read(&node.dot_env_path()).map_err(|error| error.to_string())?;
    let reference = node.reference_of(name).unwrap_or_else(|| name.to_owned());
    let found = values.into_iter().find(|(known, value)| *known == reference && !value.expose_secret().is_empty());
    let (_, value) = found.ok_or_else(|| format!("{reference} has no value in {}", node.dot_env_path().display()))?;
    Ok(value)
}

/// Writes the value and closes the connection, whether or not the peer has taken all of it by then.
async fn send(mut stream: UnixStream, value: &SecretString, patience: Duration) -> std::io::Result<()> {
    tokio::time::timeout(patience, stream.write_all(value.expose_secret().as_bytes())).await?
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_address_that_systemd_binds_names_unit_node_and_variable() {
        let wanted = |unit, node, name| Some(Wanted { unit, node, name });
        let parse = |address: &'static str| Wanted::parse(address.as_bytes());
        assert_eq!(parse("dfe10ab1/unit/web.service/writer.API_KEY"), wanted("web.service", "writer", "API_KEY"));
        assert_eq!(parse("0/unit/a@b.service/前端._1"), wanted("a@b.service", "前端", "_1"));
    }

    #[test]
    fn any_other_address_names_nothing() {
        for address in [
            "",
            "dfe1",
            "/unit/web.service/writer.KEY",
            "xyz/unit/web.service/writer.KEY",
            "1/unit//writer.KEY",
            "1/user/web.service/writer.KEY",
            "1/unit/web.service/writer",
            "1/unit/web.service/writer.",
            "1/unit/web.service/writer.a.KEY",
            "1/unit/web.service/writer.KEY/x",
            "1/unit/web.service/../writer.KEY",
            "1/unit/web.service/writer.KEY\n",
            "1/unit/web.service/writer.KEY\0",
        ] {
            assert_eq!(Wanted::parse(address.as_bytes()), None, "{address:?}");
        }
        assert_eq!(Wanted::parse(b"1/unit/\xff/writer.KEY"), None);
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_cut_off() {
        let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        nix::sys::socket::setsockopt(&ours, nix::sys::socket::sockopt::SndBuf, &1).unwrap();
        let value = SecretString::from("x".repeat(64 * 1024));
        let error = send(UnixStream::from_std(ours).unwrap(), &value, Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        // The connection is closed: what the kernel holds is all that ever comes.
        let mut taken = Vec::new();
        assert!(theirs.read_to_end(&mut taken).unwrap() < 64 * 1024);
    }
}
