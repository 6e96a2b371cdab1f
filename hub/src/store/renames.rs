use anet_protocol::id::{Alias, NetworkId, NodeId, RenameId};
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::StoreResult;

/// How far a rename is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RenameStatus {
    /// The new name is reserved.
    Prepared,
    /// The node has the new name.
    Committed,
    /// Nothing has changed.
    Aborted,
}

impl RenameStatus {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Committed => "committed",
            Self::Aborted => "aborted",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Prepared, Self::Committed, Self::Aborted].into_iter().find(|status| status.as_str() == word)
    }
}

/// A node's change of name in two phases.
#[derive(Clone, Debug)]
pub(crate) struct Rename {
    pub txn_id: RenameId,
    pub network_id: NetworkId,
    pub node_id: NodeId,
    pub old_alias: Alias,
    pub new_alias: Alias,
    pub status: RenameStatus,
    /// Whoever alone may finish it: the node's id, else the user's.
    pub prepared_by: String,
    /// A prepared one of before this time reserves nothing any more.
    pub expires_at: Timestamp,
}

/// Questions about renames.
#[async_trait]
pub(crate) trait RenameReads: Send {
    async fn rename(&mut self, txn_id: &RenameId) -> StoreResult<Option<Rename>>;
    /// The prepared rename that reserves the name.
    async fn reservation(&mut self, network_id: &NetworkId, alias: &Alias) -> StoreResult<Option<Rename>>;
    /// The node that was known by that name last.
    async fn renamed_from(&mut self, network_id: &NetworkId, alias: &Alias) -> StoreResult<Option<NodeId>>;
}

/// Changes of renames.
#[async_trait]
pub(crate) trait RenameWrites: Send {
    async fn insert_rename(&mut self, rename: &Rename, now: Timestamp) -> StoreResult<()>;
    async fn set_rename_status(&mut self, txn_id: &RenameId, status: RenameStatus, now: Timestamp) -> StoreResult<()>;
    /// Gives the node and its tokens the new name; what is under way to it goes along.
    async fn rename_node(&mut self, rename: &Rename, now: Timestamp) -> StoreResult<()>;
}
