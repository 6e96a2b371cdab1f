//! A node's record and its text, so that only what was changed is put into words again: a hundred nodes that start at
//! once change the state three hundred times, and each write holds all of them.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::format::NodeRecord;

/// A record in the state. It is read as the record itself.
#[derive(Clone, Debug)]
pub(crate) struct KeptNode {
    record: NodeRecord,
    /// Absent since the record was changed.
    text: Option<Arc<str>>,
}

impl KeptNode {
    /// The record, to be changed.
    pub(super) fn change(&mut self) -> &mut NodeRecord {
        self.text = None;
        &mut self.record
    }

    /// As JSON, in one line.
    ///
    /// # Errors
    /// When a path in it is not UTF-8.
    pub(super) fn text(&mut self) -> serde_json::Result<Arc<str>> {
        if let Some(text) = &self.text {
            return Ok(Arc::clone(text));
        }
        let text = Arc::<str>::from(serde_json::to_string(&self.record)?);
        Ok(Arc::clone(self.text.insert(text)))
    }

    pub(crate) fn into_record(self) -> NodeRecord {
        self.record
    }
}

impl From<NodeRecord> for KeptNode {
    fn from(record: NodeRecord) -> Self {
        Self { record, text: None }
    }
}

impl Deref for KeptNode {
    type Target = NodeRecord;

    fn deref(&self) -> &NodeRecord {
        &self.record
    }
}

impl PartialEq for KeptNode {
    fn eq(&self, other: &Self) -> bool {
        self.record == other.record
    }
}

impl<'de> Deserialize<'de> for KeptNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        NodeRecord::deserialize(deserializer).map(Self::from)
    }
}
