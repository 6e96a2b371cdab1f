use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anet_protocol::id::TaskId;
use anet_protocol::rest::Attempt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Every attempt this run holds a lease for, and how far it is.
#[derive(Default)]
pub(crate) struct Attempts {
    held: Mutex<HashMap<Attempt, Held>>,
    in_hand: watch::Sender<Vec<TaskId>>,
    undelivered: watch::Sender<usize>,
}

struct Held {
    phase: Phase,
    stop: CancellationToken,
    reason: Option<StopReason>,
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Claimed; no runtime works on it yet.
    Accepted,
    /// A runtime works on it.
    Running,
    /// Its answer is in the outbox.
    Answered,
}

/// Why work on an attempt ends before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// The task was called off.
    Cancelled,
    /// The attempt no longer holds the task.
    LeaseLost,
    /// The node was asked to stop and has waited long enough: give the task back.
    Leaving,
    /// The node ends at once; the hub releases what it held.
    Abandoned,
}

impl Attempts {
    /// Takes up a claimed attempt. `None` when it is already held.
    pub(crate) fn accept(&self, attempt: Attempt) -> Option<CancellationToken> {
        let stop = CancellationToken::new();
        let mut held = self.lock();
        if held.contains_key(&attempt) {
            return None;
        }
        held.insert(attempt, Held { phase: Phase::Accepted, stop: stop.clone(), reason: None });
        self.publish(held);
        Some(stop)
    }

    /// Takes up an attempt whose answer an earlier run left in the outbox.
    pub(crate) fn hold_answered(&self, attempt: Attempt) {
        let mut held = self.lock();
        held.insert(attempt, Held { phase: Phase::Answered, stop: CancellationToken::new(), reason: None });
        self.publish(held);
    }

    /// The attempt has come to `phase`.
    pub(crate) fn advance(&self, attempt: &Attempt, phase: Phase) {
        let mut held = self.lock();
        if let Some(entry) = held.get_mut(attempt) {
            entry.phase = phase;
        }
        self.publish(held);
    }

    /// The attempt is over.
    pub(crate) fn forget(&self, attempt: &Attempt) {
        let mut held = self.lock();
        held.remove(attempt);
        self.publish(held);
    }

    /// Ends work on an attempt; the first reason counts. False when nothing works on it.
    pub(crate) fn stop(&self, attempt: &Attempt, reason: StopReason) -> bool {
        match self.lock().get_mut(attempt) {
            Some(entry) if entry.phase != Phase::Answered => {
                entry.reason.get_or_insert(reason);
                entry.stop.cancel();
                true
            }
            _ => false,
        }
    }

    /// Ends all work.
    pub(crate) fn stop_all(&self, reason: StopReason) {
        for entry in self.lock().values_mut().filter(|entry| entry.phase != Phase::Answered) {
            entry.reason.get_or_insert(reason);
            entry.stop.cancel();
        }
    }

    /// Why work on the attempt was ended, if it was.
    pub(crate) fn stop_reason(&self, attempt: &Attempt) -> Option<StopReason> {
        self.lock().get(attempt).and_then(|entry| entry.reason)
    }

    /// Whether the attempt is held and has no answer yet.
    pub(crate) fn is_in_hand(&self, attempt: &Attempt) -> bool {
        self.lock().get(attempt).is_some_and(|entry| entry.phase != Phase::Answered)
    }

    /// Whether the attempt's answer is in the outbox.
    pub(crate) fn is_answered(&self, attempt: &Attempt) -> bool {
        self.lock().get(attempt).is_some_and(|entry| entry.phase == Phase::Answered)
    }

    /// What a registration says is held: everything that is worked on or undelivered.
    pub(crate) fn holding(&self) -> Vec<Attempt> {
        self.lock().keys().cloned().collect()
    }

    /// Everything held, with whether a runtime has worked on it.
    pub(crate) fn leases(&self) -> Vec<(Attempt, bool)> {
        self.lock().iter().map(|(attempt, entry)| (attempt.clone(), entry.phase != Phase::Accepted)).collect()
    }

    /// What waits for delivery.
    pub(crate) fn answered(&self) -> Vec<Attempt> {
        let answered = |entry: &Held| entry.phase == Phase::Answered;
        self.lock().iter().filter(|(_, entry)| answered(entry)).map(|(attempt, _)| attempt.clone()).collect()
    }

    /// The tasks that are worked on, as they change.
    pub(crate) fn in_hand(&self) -> watch::Receiver<Vec<TaskId>> {
        self.in_hand.subscribe()
    }

    /// How many answers wait for delivery, as it changes.
    pub(crate) fn undelivered(&self) -> watch::Receiver<usize> {
        self.undelivered.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Attempt, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes while the lock is held, so that no older state overwrites a newer one.
    fn publish(&self, held: MutexGuard<'_, HashMap<Attempt, Held>>) {
        let mut tasks: Vec<TaskId> = held
            .iter()
            .filter(|(_, entry)| entry.phase != Phase::Answered)
            .map(|(attempt, _)| attempt.task_id.clone())
            .collect();
        tasks.sort_unstable();
        let undelivered = held.len() - tasks.len();
        // In this order, so that an answer is never in neither.
        self.undelivered.send_if_modified(|known| std::mem::replace(known, undelivered) != undelivered);
        self.in_hand.send_if_modified(|known| std::mem::replace(known, tasks.clone()) != tasks);
        drop(held);
    }
}
