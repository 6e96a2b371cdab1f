//! Waiting for a start to become ready, fail, or take too long.

use std::time::Duration;

use anet_protocol::control::{ControlErrorCode, Exit, ProcessState, StopReason};
use tokio::sync::watch;

use super::Snapshot;
use super::snapshot::Words;
use crate::refusal::Refusal;

/// Returns when the start `instance` is ready, or the one that followed it because somebody asked for a restart meanwhile.
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
    let waiting = follow_until_ready(snapshots, instance.to_owned(), words);
    tokio::time::timeout(patience, waiting).await.unwrap_or_else(|_| {
        let error = format!(
            "{} runs but has not said within {} s that it is ready; it is left running",
            words.name,
            patience.as_secs()
        );
        Err(Refusal::new(ControlErrorCode::NotReady, error).hint(&words.logs))
    })
}

async fn follow_until_ready(
    snapshots: &mut watch::Receiver<Snapshot>,
    mut instance: String,
    words: &Words,
) -> Result<(), Refusal> {
    loop {
        let is_decided = |snapshot: &Snapshot| {
            let is_it = snapshot.instance.as_deref() == Some(&*instance);
            match &snapshot.process {
                ProcessState::Starting { .. } => !is_it,
                // In the middle of a restart nothing is decided.
                ProcessState::Stopping { asked: Some(asked), .. } if asked.reason == StopReason::Restart => false,
                _ => snapshot.instance.is_some() || !was_restarted(snapshot, &instance),
            }
        };
        let snapshot = snapshots.wait_for(is_decided).await.map_err(|_| Refusal::leaving())?;
        match &snapshot.instance {
            Some(current) if *current == instance => {
                let is_ready = matches!(snapshot.process, ProcessState::Running { .. });
                return if is_ready { Ok(()) } else { Err(failed(&snapshot, &instance, words)) };
            }
            Some(successor) if was_restarted(&snapshot, &instance) => instance.clone_from(successor),
            _ => return Err(failed(&snapshot, &instance, words)),
        }
    }
}

/// Whether the start `instance` was ended to be started anew, which is still under way or done.
fn was_restarted(snapshot: &Snapshot, instance: &str) -> bool {
    let is_asked = |exit: &Exit| exit.asked.as_ref().is_some_and(|asked| asked.reason == StopReason::Restart);
    let has_failed = matches!(snapshot.process, ProcessState::Backoff { .. } | ProcessState::NeedsAttention { .. });
    let ended = snapshot.ended.as_ref();
    ended.is_some_and(|(ended, exit)| ended == instance && is_asked(exit)) && !has_failed
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
