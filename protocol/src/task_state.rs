//! The task state machine: the one table of which state may follow which.

use serde::{Deserialize, Serialize};

/// The state of a task, in upstream's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Known, not yet in any inbox. Every task passes through it inside the transaction that sends it.
    Created,
    /// In the recipient's inbox, waiting to be claimed; it says nothing about receipt.
    Delivered,
    /// A node holds it under a lease and has it on its own disk.
    Acked,
    /// A runtime works on it.
    Running,
    /// A runtime waits for an answer of the sender.
    InputRequired,
    /// Done, with a result.
    Replied,
    /// Not done, with a reason.
    Failed,
    /// Called off.
    Cancelled,
    /// Its time ran out before a node acknowledged it.
    Expired,
}

/// What happens to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskEvent {
    /// Put into the recipient's inbox.
    Deliver,
    /// The lease holder has it on disk.
    Ack,
    /// The lease holder's runtime works on it.
    Start,
    /// The runtime asks its sender something.
    AskInput,
    /// The sender answered.
    AnswerInput,
    /// The lease holder reports success.
    Reply,
    /// The lease holder reports failure, or the attempts are used up.
    Fail,
    /// Somebody calls it off.
    Cancel,
    /// The time to live ran out.
    Expire,
    /// The lease ran out or its holder gave it back: to the queue again.
    Release,
    /// Somebody wants a failed one done again.
    Retry,
}

/// Every state, in the order of a life.
pub const STATES: [TaskState; 9] = [
    TaskState::Created,
    TaskState::Delivered,
    TaskState::Acked,
    TaskState::Running,
    TaskState::InputRequired,
    TaskState::Replied,
    TaskState::Failed,
    TaskState::Cancelled,
    TaskState::Expired,
];

/// Every event.
pub const EVENTS: [TaskEvent; 11] = [
    TaskEvent::Deliver,
    TaskEvent::Ack,
    TaskEvent::Start,
    TaskEvent::AskInput,
    TaskEvent::AnswerInput,
    TaskEvent::Reply,
    TaskEvent::Fail,
    TaskEvent::Cancel,
    TaskEvent::Expire,
    TaskEvent::Release,
    TaskEvent::Retry,
];

/// From, on, to. What is not listed is refused.
const TRANSITIONS: &[(TaskState, TaskEvent, TaskState)] = {
    use TaskEvent as E;
    use TaskState as S;
    &[
        (S::Created, E::Deliver, S::Delivered),
        (S::Created, E::Cancel, S::Cancelled),
        (S::Created, E::Expire, S::Expired),
        (S::Delivered, E::Ack, S::Acked),
        (S::Delivered, E::Cancel, S::Cancelled),
        (S::Delivered, E::Expire, S::Expired),
        // A claimed task whose lease ran out before the acknowledgement stays in the inbox…
        (S::Delivered, E::Release, S::Delivered),
        // …until its attempts are used up; and a holder may answer without having acknowledged.
        (S::Delivered, E::Fail, S::Failed),
        (S::Delivered, E::Reply, S::Replied),
        (S::Acked, E::Start, S::Running),
        (S::Acked, E::Reply, S::Replied),
        (S::Acked, E::Fail, S::Failed),
        (S::Acked, E::Cancel, S::Cancelled),
        (S::Acked, E::Release, S::Delivered),
        (S::Running, E::AskInput, S::InputRequired),
        (S::Running, E::Reply, S::Replied),
        (S::Running, E::Fail, S::Failed),
        (S::Running, E::Cancel, S::Cancelled),
        (S::Running, E::Release, S::Delivered),
        (S::InputRequired, E::AnswerInput, S::Running),
        (S::InputRequired, E::Reply, S::Replied),
        (S::InputRequired, E::Fail, S::Failed),
        (S::InputRequired, E::Cancel, S::Cancelled),
        (S::InputRequired, E::Release, S::Delivered),
        (S::Failed, E::Retry, S::Delivered),
        (S::Cancelled, E::Retry, S::Delivered),
        (S::Expired, E::Retry, S::Delivered),
    ]
};

impl TaskState {
    /// The state after `event`; `None` when the event is not allowed here.
    #[must_use]
    pub fn after(self, event: TaskEvent) -> Option<Self> {
        TRANSITIONS.iter().find(|(from, on, _)| *from == self && *on == event).map(|(_, _, to)| *to)
    }

    /// Whether the task is over. Only [`TaskEvent::Retry`] leaves a terminal state.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Replied | Self::Failed | Self::Cancelled | Self::Expired)
    }

    /// The word on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Delivered => "delivered",
            Self::Acked => "acked",
            Self::Running => "running",
            Self::InputRequired => "input_required",
            Self::Replied => "replied",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Reads the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        STATES.into_iter().find(|state| state.as_str() == word)
    }
}

impl std::fmt::Display for TaskState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_event_but_retry_leaves_a_terminal_state_and_replied_is_final() {
        for state in STATES.into_iter().filter(|state| state.is_terminal()) {
            for event in EVENTS {
                let allowed = event == TaskEvent::Retry && state != TaskState::Replied;
                assert_eq!(state.after(event).is_some(), allowed, "{state} {event:?}");
            }
        }
    }

    #[test]
    fn the_table_has_one_row_per_state_and_event() {
        for (index, (from, on, _)) in TRANSITIONS.iter().enumerate() {
            let twin = TRANSITIONS[index + 1..].iter().any(|(state, event, _)| state == from && event == on);
            assert!(!twin, "{from} {on:?} is listed twice");
        }
    }

    #[test]
    fn words_read_back_as_the_state_they_name() {
        for state in STATES {
            assert_eq!(TaskState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    /// A second, independent statement of the rules: what a task may do, by phase of its life.
    fn model_allows(state: TaskState, event: TaskEvent) -> bool {
        let waiting = state == TaskState::Delivered;
        let held = matches!(state, TaskState::Acked | TaskState::Running | TaskState::InputRequired);
        match event {
            TaskEvent::Deliver => state == TaskState::Created,
            TaskEvent::Ack => waiting,
            TaskEvent::Start => state == TaskState::Acked,
            TaskEvent::AskInput => state == TaskState::Running,
            TaskEvent::AnswerInput => state == TaskState::InputRequired,
            TaskEvent::Reply | TaskEvent::Fail | TaskEvent::Release => waiting || held,
            TaskEvent::Cancel => !state.is_terminal(),
            TaskEvent::Expire => matches!(state, TaskState::Created | TaskState::Delivered),
            TaskEvent::Retry => state.is_terminal() && state != TaskState::Replied,
        }
    }

    proptest! {
        #[test]
        fn any_history_agrees_with_the_reference_model(history in proptest::collection::vec(0..EVENTS.len(), 0..40)) {
            let mut state = TaskState::Created;
            for event in history.into_iter().map(|index| EVENTS[index]) {
                let next = state.after(event);
                prop_assert_eq!(next.is_some(), model_allows(state, event), "{} {:?}", state, event);
                state = next.unwrap_or(state);
            }
        }
    }
}
