//! How often a process was started, and how its last starts ended.

use anet_protocol::control::{Exit, KEPT_EXITS};
use serde::{Deserialize, Serialize};

/// No more of a process's last words is kept with each exit: the state file is written often.
const LONGEST_WORDS: usize = 240;

/// The past of one process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    /// Starts since it was made known, those included that failed at once; the number of the last one.
    pub(crate) starts: u64,
    /// Oldest first, at most [`KEPT_EXITS`].
    pub(crate) exits: Vec<Exit>,
}

impl History {
    /// Remembers an exit, and forgets the oldest when there are too many.
    pub(crate) fn add(&mut self, mut exit: Exit) {
        if let Some(words) = &mut exit.last_words
            && let Some((end, _)) = words.char_indices().nth(LONGEST_WORDS)
        {
            words.truncate(end);
            words.push('…');
        }
        self.exits.push(exit);
        let surplus = self.exits.len().saturating_sub(KEPT_EXITS);
        self.exits.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use anet_protocol::control::ExitCause;
    use anet_protocol::time::Timestamp;

    use super::*;

    #[test]
    fn the_last_twenty_exits_are_kept_with_short_words() {
        let mut history = History::default();
        for incarnation in 1..=25 {
            history.add(Exit {
                at: Timestamp::from_millis(0),
                incarnation,
                started_at: None,
                cause: ExitCause::Unknown,
                asked: None,
                last_words: Some("ä".repeat(1000)),
                hint: None,
            });
        }
        let kept: Vec<u64> = history.exits.iter().map(|exit| exit.incarnation).collect();
        assert_eq!(kept, (6..=25).collect::<Vec<_>>());
        assert_eq!(history.exits[0].last_words.as_ref().unwrap().chars().count(), LONGEST_WORDS + 1);
    }
}
