use std::convert::Infallible;
use std::sync::Arc;

use anet_protocol::rest::{Attempt, FailTask, ReplyTask, TaskError};
use futures_util::future::join_all;

use super::{Answer, StoredAnswer};
use crate::backoff::Backoff;
use crate::hub_client::{HubError, chain};
use crate::node::{Node, on_disk};

/// Delivers whatever is in the outbox, for ever.
///
/// Not before the first registration: until then the leases of an earlier run's answers belong to
/// that run, and the hub would refuse them as stale.
pub(crate) async fn run(node: Arc<Node>) -> Infallible {
    let mut backoff = Backoff::new(&node.settings.timing);
    node.until_registered().await;
    loop {
        let delivered = join_all(node.attempts.answered().iter().map(|attempt| deliver(&node, attempt))).await;
        if delivered.contains(&Delivery::Later) {
            if delivered.contains(&Delivery::Done) {
                backoff.reset();
            }
            let wait = backoff.next(node.entropy.as_ref());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = node.outbox_wake.notified() => {}
            }
        } else {
            backoff.reset();
            node.outbox_wake.notified().await;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Done,
    Later,
}

/// Sends one answer once.
async fn deliver(node: &Arc<Node>, attempt: &Attempt) -> Delivery {
    let stored = match on_disk(node, attempt, |node, attempt| node.outbox.load(attempt)).await {
        Ok(stored) => stored,
        Err(error) => {
            tracing::error!(task = %attempt.task_id, attempt = attempt.attempt, %error, "the answer cannot be read");
            return Delivery::Later;
        }
    };
    let error = match send(node, &stored).await {
        Ok(()) => {
            tracing::info!(task = %attempt.task_id, attempt = attempt.attempt, "the hub has the answer");
            return finish(node, attempt).await;
        }
        Err(error) => error,
    };
    let reason = chain(&error);
    if error.ends_the_attempt() {
        tracing::warn!(task = %attempt.task_id, attempt = attempt.attempt, reason, "the answer is dropped");
        return finish(node, attempt).await;
    }
    if error.is_about_the_content() {
        return replace(node, stored, &reason).await;
    }
    tracing::warn!(task = %attempt.task_id, attempt = attempt.attempt, reason, "the answer is kept and sent again");
    Delivery::Later
}

async fn send(node: &Node, stored: &StoredAnswer) -> Result<(), HubError> {
    let task = &stored.attempt.task_id;
    // The lease has passed to this run when it registered, so it is this run that answers.
    let (instance_id, attempt) = (node.settings.instance_id.clone(), stored.attempt.attempt);
    match stored.answer.clone() {
        Answer::Reply { text, artifacts } => {
            node.hub.reply(task, &ReplyTask { instance_id, attempt, text, artifacts }).await
        }
        Answer::Fail { error, give_back } => {
            node.hub.fail(task, &FailTask { instance_id, attempt, error, give_back }).await
        }
    }
    .map(|_| ())
}

/// The hub will never take this answer. A task must end all the same, so it is told that instead.
async fn replace(node: &Arc<Node>, stored: StoredAnswer, reason: &str) -> Delivery {
    let attempt = stored.attempt.clone();
    if matches!(&stored.answer, Answer::Fail { error, .. } if error.code == REFUSED) {
        tracing::error!(task = %attempt.task_id, reason, "even the failure is refused; the lease will run out");
        return finish(node, &attempt).await;
    }
    tracing::error!(task = %attempt.task_id, reason, "the hub refuses the answer's content; the task fails");
    let error = TaskError {
        code: REFUSED.to_owned(),
        message: format!("the hub refused the answer: {reason}"),
        retryable: false,
    };
    let answer = Answer::Fail { error, give_back: false };
    let replacement = StoredAnswer { answer, ..stored };
    if let Err(error) = on_disk(node, &replacement, |node, stored| node.outbox.store(stored)).await {
        tracing::error!(task = %attempt.task_id, %error, "the answer cannot be replaced");
    }
    Delivery::Later
}

const REFUSED: &str = "answer_refused";

async fn finish(node: &Arc<Node>, attempt: &Attempt) -> Delivery {
    node.drop_answer(attempt).await;
    Delivery::Done
}
