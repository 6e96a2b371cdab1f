use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use anet_protocol::id::{Alias, TaskId};
use sha2::{Digest as _, Sha256};

use super::lower_hex;
use crate::node::unpoisoned;

/// Gives each send of one attempt the key that the same send of another attempt has: a repeated
/// attempt delegates the same subtasks, not new ones.
///
/// Sends are the same when parent, recipient and text are, and when they are the first, the
/// second, … with these. Only a send that the hub has answered counts: one whose fate is unknown
/// is the same send when it is repeated.
#[derive(Default)]
pub(super) struct Ordinals(Mutex<HashMap<[u8; 32], BTreeSet<u32>>>);

/// The place of one send that is under way.
pub(super) struct Place<'a> {
    ordinals: &'a Ordinals,
    what: [u8; 32],
    ordinal: u32,
    key: String,
    is_taken: bool,
}

impl Ordinals {
    /// Takes the first free place of such a send.
    pub(super) fn place(&self, parent: &TaskId, alias: &Alias, content: &str) -> Place<'_> {
        let what = digest(&(alias, content));
        let mut taken = unpoisoned(self.0.lock());
        let taken = taken.entry(what).or_default();
        let ordinal = (0..u32::MAX).find(|ordinal| !taken.contains(ordinal)).unwrap_or(u32::MAX);
        taken.insert(ordinal);
        let key = lower_hex(&digest(&(parent, alias, content, ordinal)));
        Place { ordinals: self, what, ordinal, key, is_taken: false }
    }
}

impl Place<'_> {
    /// The idempotency key: 64 hex digits.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The hub has the task: the next such send is another one.
    pub(super) fn take(mut self) {
        self.is_taken = true;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.is_taken
            && let Some(taken) = unpoisoned(self.ordinals.0.lock()).get_mut(&self.what)
        {
            taken.remove(&self.ordinal);
        }
    }
}

/// JSON keeps the parts apart: no two different ones have the same text.
fn digest(parts: &impl serde::Serialize) -> [u8; 32] {
    let text = serde_json::to_vec(parts).expect("texts and numbers are always JSON");
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(sends: &[(&str, &str, &str)]) -> Vec<String> {
        let ordinals = Ordinals::default();
        let send = |(parent, alias, content): &(&str, &str, &str)| {
            let place = ordinals.place(&TaskId::from(*parent), &Alias::from(*alias), content);
            let key = place.key().to_owned();
            place.take();
            key
        };
        sends.iter().map(send).collect()
    }

    #[test]
    fn a_repeated_attempt_has_the_same_keys_and_every_send_has_its_own() {
        let sends =
            [("p", "a", "x"), ("p", "a", "x"), ("p", "b", "x"), ("p", "a", "y"), ("p", "ax", ""), ("q", "a", "x")];
        let first = keys(&sends);
        assert_eq!(first, keys(&sends));
        let mut different = first.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), sends.len(), "{first:?}");
    }

    #[test]
    fn a_send_whose_fate_is_unknown_is_repeated_under_the_same_key() {
        let ordinals = Ordinals::default();
        let place = || ordinals.place(&TaskId::from("p"), &Alias::from("a"), "x");
        let lost = place().key().to_owned();
        assert_eq!(place().key(), lost);
        let under_way = place();
        assert_ne!(place().key(), lost, "two at the same time are two sends");
        under_way.take();
        assert_ne!(place().key(), lost, "after an answer the next is another");
    }
}
