use serde::{Deserialize, Serialize};

use super::{Network, StateCount};
use crate::id::{InviteId, NetworkId, RenameId, UserId};
use crate::role::{NetworkRole, SystemRole};
use crate::time::Timestamp;

/// `GET /api/networks`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NetworkList {
    /// Own ones first, then oldest first.
    pub networks: Vec<Network>,
}

/// `POST /api/networks`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateNetwork {
    /// 1 to 64 characters, unique among the networks of one owner.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// A line about it, up to 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub description: Option<String>,
}

/// The answer: the network, which the caller owns.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NetworkCreated {
    /// The id.
    pub network_id: NetworkId,
    /// The name.
    pub network_name: String,
}

/// What a network holds.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NetworkStats {
    /// Nodes that are known.
    pub nodes: u64,
    /// Nodes that are connected now.
    pub sessions: u64,
    /// Tasks by state.
    pub tasks: Vec<StateCount>,
    /// People in it.
    pub members: u64,
    /// Messages in it.
    pub messages: u64,
    /// Invites that still work.
    pub invites: u64,
}

/// `GET /api/networks/:id`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NetworkAnswer {
    /// The network.
    pub network: Network,
    /// What it holds.
    pub stats: NetworkStats,
}

/// `PUT /api/networks/:id`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameNetwork {
    /// The new name.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
}

/// The query of `DELETE /api/networks/:id`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeleteNetwork {
    /// Also while agents are connected: their streams end and their tokens are dead.
    #[serde(default)]
    pub force: bool,
}

/// The answer: what went with the network.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NetworkDeleted {
    /// What it held.
    pub removed: NetworkStats,
    /// Tokens that are dead.
    pub tokens_revoked: u64,
}

/// A person in a network.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Member {
    /// The person.
    pub user_id: UserId,
    /// The login name.
    pub username: String,
    /// The shown name.
    pub display_name: Option<String>,
    /// The rank in the network.
    pub role: NetworkRole,
    /// Since when.
    pub joined_at: Timestamp,
    /// Who added or invited the person.
    pub invited_by: Option<UserId>,
}

/// `GET /api/networks/:id/members`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MemberList {
    /// In the order of joining.
    pub members: Vec<Member>,
}

/// `POST /api/networks/:id/members`: one of id and name.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddMember {
    /// The person's id.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// The person's login name.
    #[serde(default)]
    pub username: Option<String>,
    /// The rank; `member` when absent, never `owner`.
    #[serde(default)]
    pub role: Option<NetworkRole>,
}

/// `PUT /api/networks/:id/members/:user_id`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRole {
    /// The new rank, never `owner`.
    pub role: NetworkRole,
}

/// `POST /api/networks/:id/transfer`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferNetwork {
    /// The member who owns the network from now on; the caller becomes an admin of it.
    pub user_id: UserId,
}

/// What is left of somebody who is no member any more.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MemberRemoved {
    /// Tokens of the person's nodes and keys in the network that are dead now.
    pub tokens_revoked: u64,
}

/// `POST /api/networks/:id/invite`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvite {
    /// The rank it gives; `member` when absent, never `owner`.
    #[serde(default)]
    pub role: Option<NetworkRole>,
    /// How often it works: 1 to 1000, or -1 without limit; 1 when absent.
    #[serde(default)]
    #[schema(minimum = -1, maximum = 1000)]
    pub max_uses: Option<i64>,
    /// It works for so many days, 1 to 365; 7 when absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 365)]
    pub expires_days: Option<u32>,
}

/// The answer: the code, shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InviteCreated {
    /// An `inv_`.
    pub invite_code: String,
    /// Its row, with which it is revoked.
    pub invite_id: InviteId,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// An invite, without its code.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Invite {
    /// The row, with which it is revoked.
    pub invite_id: InviteId,
    /// The network it leads into.
    pub network_id: Option<NetworkId>,
    /// The rank it gives there.
    pub role: Option<NetworkRole>,
    /// The rank on the hub, for an invite to the hub.
    pub system_role: Option<SystemRole>,
    /// How often it works; -1 is without limit.
    pub max_uses: i64,
    /// How often it was used.
    pub used_count: u64,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Since when it is revoked.
    pub revoked_at: Option<Timestamp>,
    /// It still works.
    pub is_open: bool,
}

/// A list of invites.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InviteList {
    /// Newest first.
    pub invites: Vec<Invite>,
}

/// `POST /api/networks/join`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinNetwork {
    /// The `inv_`.
    pub invite_code: String,
}

/// The answer: where the person is now, and as what.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NetworkJoined {
    /// The network.
    pub network_id: NetworkId,
    /// Its name.
    pub network_name: String,
    /// The rank in it.
    pub role: NetworkRole,
}

/// `POST /api/node-rename/prepare`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrepareRename {
    /// The network of the node.
    pub network_id: NetworkId,
    /// The name it has.
    pub old_alias: String,
    /// The name it is to get, reserved until the rename is done, called off or 10 minutes old.
    #[schema(min_length = 1, max_length = 200)]
    pub new_alias: String,
}

/// `POST /api/node-rename/commit` and `/abort`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameTransaction {
    /// What `prepare` has answered.
    pub txn_id: RenameId,
}

/// The answer to each phase. Committing twice is committing once, and so with aborting.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RenameAnswer {
    /// The rename.
    pub txn_id: RenameId,
}
