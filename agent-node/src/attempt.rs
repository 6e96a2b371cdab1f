use std::io;
use std::sync::Arc;

use anet_protocol::rest::{AckTask, Attempt, ClaimedTask, TaskError};
use tokio_util::sync::CancellationToken;

use crate::attempts::{Phase, StopReason};
use crate::backoff::Backoff;
use crate::hub_client::chain;
use crate::journal::Accepted;
use crate::node::{Node, on_disk};
use crate::outbox::{Answer, StoredAnswer};
use crate::runtime::{Outcome, TaskContext};
use crate::task_socket::TaskSocket;

/// Carries one claimed task to its answer in the outbox, or to the point where nobody wants one.
pub(crate) async fn work(node: Arc<Node>, task: ClaimedTask, stop: CancellationToken) {
    let attempt = Attempt { task_id: task.task_id.clone(), attempt: task.attempt };
    let answer = match accept(&node, &task, &attempt, &stop).await {
        Some(()) => Some(perform(&node, &task, &attempt, &stop).await),
        None => None,
    };
    match answer_or_reason(answer, node.attempts.stop_reason(&attempt)) {
        Ok(answer) => keep(&node, &attempt, answer).await,
        Err(reason) => tracing::info!(task = %attempt.task_id, attempt = attempt.attempt, ?reason, "dropped"),
    }
    if let Err(error) = on_disk(&node, &attempt, |node, attempt| node.journal.remove(attempt)).await {
        // The next start clears it away.
        tracing::warn!(task = %attempt.task_id, %error, "the journal keeps a finished task");
    }
    if !node.attempts.is_answered(&attempt) {
        node.attempts.forget(&attempt);
    }
    node.outbox_wake.notify_one();
    node.inbox_wake.notify_one();
}

/// What becomes of the work, given that it may have been ended.
fn answer_or_reason(answer: Option<Outcome>, reason: Option<StopReason>) -> Result<Answer, StopReason> {
    match (answer, reason) {
        // Nobody listens any more, whatever came of it.
        (_, Some(reason @ (StopReason::Cancelled | StopReason::LeaseLost | StopReason::Abandoned))) => Err(reason),
        (Some(Outcome::Done { text, artifacts }), _) => Ok(Answer::Reply { text, artifacts }),
        (Some(Outcome::Failed(error)), _) => Ok(Answer::Fail { error, give_back: false }),
        (Some(Outcome::Stopped) | None, Some(StopReason::Leaving)) => {
            let message = "the node was stopped before the task was done".to_owned();
            let error = TaskError { code: "node_stopped".to_owned(), message, retryable: true };
            Ok(Answer::Fail { error, give_back: true })
        }
        // Refused at the acknowledgement.
        (Some(Outcome::Stopped) | None, None) => Err(StopReason::LeaseLost),
    }
}

/// Puts the task on the disk and tells the hub so. `None` when the task is not to be worked on.
async fn accept(node: &Arc<Node>, task: &ClaimedTask, attempt: &Attempt, stop: &CancellationToken) -> Option<()> {
    let mut backoff = Backoff::new(&node.settings.timing);
    let mut on_own_disk = false;
    loop {
        if node.leaving.is_cancelled() {
            node.attempts.stop(attempt, StopReason::Leaving);
        }
        if stop.is_cancelled() {
            return None;
        }
        if !on_own_disk {
            match on_disk(node, task, write_journal).await {
                Ok(()) => on_own_disk = true,
                // Not given back: other attempts would find the same full disk, and there are few.
                Err(error) => tracing::error!(task = %task.task_id, %error, "the task cannot be put on the disk"),
            }
        }
        if on_own_disk {
            let body = AckTask { instance_id: node.settings.instance_id.clone(), attempt: task.attempt };
            match node.hub.ack(&task.task_id, &body).await {
                Ok(_) => return Some(()),
                Err(error) if error.ends_the_attempt() => {
                    tracing::warn!(task = %task.task_id, reason = chain(&error), "the task is no longer ours");
                    return None;
                }
                Err(error) => tracing::warn!(task = %task.task_id, reason = chain(&error), "not acknowledged yet"),
            }
        }
        let wait = backoff.next(node.entropy.as_ref());
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => {}
            () = node.leaving.cancelled() => {}
        }
    }
}

fn write_journal(node: &Node, task: &ClaimedTask) -> io::Result<()> {
    let instance_id = node.settings.instance_id.clone();
    node.journal.add(&Accepted { instance_id, since: node.clock.now(), task: task.clone() })
}

/// Has the runtime do the task.
async fn perform(node: &Arc<Node>, task: &ClaimedTask, attempt: &Attempt, stop: &CancellationToken) -> Outcome {
    let socket = match TaskSocket::open(node, attempt) {
        Ok(socket) => socket,
        Err(error) => {
            let message = format!("the socket for delegation cannot be made: {error}");
            return Outcome::Failed(TaskError { code: "spawn_failed".to_owned(), message, retryable: true });
        }
    };
    let started = || {
        node.attempts.advance(attempt, Phase::Running);
        node.renewal_wake.notify_one();
    };
    let context = TaskContext { socket: socket.path().to_owned(), stop: stop.clone(), started: &started };
    tokio::select! {
        outcome = node.runtime.run(task, &context) => outcome,
        never = socket.serve() => match never {},
    }
}

/// Puts the answer into the outbox. While the disk refuses it the lease is kept up and the
/// writing repeated: a result is not thrown away for a disk that is full right now.
async fn keep(node: &Arc<Node>, attempt: &Attempt, answer: Answer) {
    let stored = StoredAnswer { attempt: attempt.clone(), answered_at: node.clock.now(), answer };
    let stored = Arc::new(stored);
    let mut backoff = Backoff::new(&node.settings.timing);
    loop {
        match on_disk(node, &stored, |node, stored| node.outbox.store(stored)).await {
            Ok(()) => return node.attempts.advance(attempt, Phase::Answered),
            Err(error) => tracing::error!(task = %attempt.task_id, %error, "the answer cannot be put on the disk"),
        }
        match node.attempts.stop_reason(attempt) {
            None | Some(StopReason::Leaving) => {}
            Some(_) => return,
        }
        tokio::time::sleep(backoff.next(node.entropy.as_ref())).await;
    }
}
