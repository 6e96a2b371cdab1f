//! How long whoever asks wants to wait for the outcome (R58).

use anet_protocol::control::{ChangeNode, ControlErrorCode};

use crate::process::ProcessHandle;
use crate::refusal::Refusal;

/// The outcome of `act`, within the time that was asked for. What was begun goes on afterwards.
///
/// # Errors
/// As `act`; [`ControlErrorCode::NotReady`] when the time is over.
pub(super) async fn within<T>(
    change: &ChangeNode,
    handle: &ProcessHandle,
    not_yet: &str,
    act: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    let Some(patience) = change.patience() else { return act.await };
    tokio::time::timeout(patience, act).await.unwrap_or_else(|_| {
        let error = format!("{} {not_yet} within {} s; what was begun goes on", handle.words.name, patience.as_secs());
        Err(Refusal::new(ControlErrorCode::NotReady, error).hint(&handle.words.logs))
    })
}
