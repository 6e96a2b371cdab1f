//! Waiting for a start to become ready, fail, or take too long.

use std::time::Duration;

use anet_protocol::control::{ControlErrorCode, ProcessState};
use tokio::sync::watch;

use super::Snapshot;
use super::snapshot::Words;
use crate::refusal::Refusal;

/// Returns when the start `instance` is ready.
///
/// # Errors
/// [`ControlErrorCode::StartFailed`] with its last words when it ended, [`ControlErrorCode::NotReady`]
/// when it is alive but silent; it is then left running.
pub(super) async fn wait_until_ready(
    snapshots: &mut watch::Receiver<Snapshot>,
    instance: &str,
    words: &Words,
    patience: Duration,
) -> Result<(), Refusal> {
    let is_decided = |snapshot: &Snapshot| {
        snapshot.instance.as_deref() != Some(instance) || !matches!(snapshot.process, ProcessState::Starting { .. })
    };
    let Ok(decided) = tokio::time::timeout(patience, snapshots.wait_for(is_decided)).await else {
        let error = format!(
            "{} runs but has not said within {} s that it is ready; it is left running",
            words.name,
            patience.as_secs()
        );
        return Err(Refusal::new(ControlErrorCode::NotReady, error).hint(&words.logs));
    };
    let snapshot = decided.map_err(|_| Refusal::leaving())?;
    if snapshot.instance.as_deref() == Some(instance) && matches!(snapshot.process, ProcessState::Running { .. }) {
        return Ok(());
    }
    Err(failed(&snapshot, instance, words))
}

fn failed(snapshot: &Snapshot, instance: &str, words: &Words) -> Refusal {
    let name = &words.name;
    let refuse = |error: String| Refusal::new(ControlErrorCode::StartFailed, error);
    let Some((_, exit)) = snapshot.ended.as_ref().filter(|(ended, _)| ended == instance) else {
        return refuse(format!("{name} was stopped before it was ready")).hint(&words.start);
    };
    let end = exit.sentence();
    match &snapshot.process {
        ProcessState::Backoff { .. } | ProcessState::Starting { .. } | ProcessState::Running { .. } => {
            refuse(format!("{name} failed before it was ready: {end}; it is started again until that works"))
                .hint(format!("{}, or give it up: {}", words.logs, words.stop))
        }
        ProcessState::NeedsAttention { .. } => {
            let hint = exit.hint.as_ref().unwrap_or(&words.logs);
            refuse(format!("{name} failed before it was ready, and is not started again by itself: {end}")).hint(hint)
        }
        ProcessState::Unknown
        | ProcessState::Stopped { .. }
        | ProcessState::Waiting { .. }
        | ProcessState::Stopping { .. } => {
            refuse(format!("{name} failed before it was ready: {end}")).hint(&words.logs)
        }
    }
}
