//! The socket through which one task's agent delegates: the hub's own REST paths, but acting as
//! this node, for this task, and for nothing else. The node's token stays with the node.

mod delegation;
mod forward;
mod idempotency;
mod own_user;

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anet_protocol::id::InstanceId;
use anet_protocol::rest::Attempt;
use sha2::{Digest as _, Sha256};
use tokio::net::UnixListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::delegation::Delegation;
use self::own_user::OwnUser;
use crate::node::Node;

/// `/`, 16 digits and `.sock`.
const NAME_BYTES: usize = 22;

/// The longest directory whose sockets have a valid address: `sun_path` has 108 bytes, one of
/// them the closing zero (unix(7)).
pub(crate) const LONGEST_DIR: usize = 107 - NAME_BYTES;

/// An open socket; its file goes away with it.
pub(crate) struct TaskSocket {
    listener: UnixListener,
    delegation: Arc<Delegation>,
    path: PathBuf,
    ended: DropGuard,
}

impl TaskSocket {
    /// Opens the socket of an attempt.
    pub(crate) fn open(node: &Arc<Node>, attempt: &Attempt) -> io::Result<Self> {
        let path = path(&node.settings.socket_dir, attempt, &node.settings.instance_id);
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let ended = CancellationToken::new();
        let delegation = Arc::new(Delegation::new(Arc::clone(node), attempt.task_id.clone(), ended.clone()));
        Ok(Self { listener, delegation, path, ended: ended.drop_guard() })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Answers requests, for ever.
    pub(crate) async fn serve(self) -> Infallible {
        let _removed_at_the_end = Removal(self.path);
        let _ends_what_is_under_way = self.ended;
        if let Err(error) = axum::serve(OwnUser(self.listener), delegation::router(self.delegation)).await {
            tracing::error!(%error, "delegation has ended");
        }
        std::future::pending().await
    }
}

/// Removes the socket's file when it is dropped.
struct Removal(PathBuf);

impl Drop for Removal {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "a socket stays");
        }
    }
}

/// Removes what a dead run's attempt left.
pub(crate) fn remove(dir: &Path, attempt: &Attempt, instance_id: &InstanceId) -> io::Result<()> {
    match fs::remove_file(path(dir, attempt, instance_id)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// A short name that no other attempt of any node has.
fn path(dir: &Path, attempt: &Attempt, instance_id: &InstanceId) -> PathBuf {
    let whole = format!("{instance_id} {} {}", attempt.task_id, attempt.attempt);
    dir.join(format!("{}.sock", &lower_hex(&Sha256::digest(whole))[..16]))
}

/// Bytes in lower-case hex.
pub(crate) fn lower_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use anet_protocol::id::TaskId;

    use super::*;

    #[test]
    fn the_longest_directory_still_gives_a_valid_address() {
        let attempt = Attempt { task_id: TaskId::from("t"), attempt: u32::MAX };
        let dir = PathBuf::from(format!("/{}", "d".repeat(LONGEST_DIR - 1)));
        let path = path(&dir, &attempt, &InstanceId::from("i_0"));
        assert_eq!(path.as_os_str().len(), 107);
        std::os::unix::net::SocketAddr::from_pathname(path).unwrap();
    }
}
