//! Who belongs to a network, and as what.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod role;

use anet_protocol::rest::ErrorCode;
use anet_protocol::role::NetworkRole;

use crate::error::{HubError, Refusal};

pub(crate) fn not_a_member(error: &str) -> Refusal {
    Refusal::new(ErrorCode::NotAMember, error)
}

/// A rank that can be given: a network has one owner, who hands it over.
pub(crate) fn assignable(role: Option<NetworkRole>) -> Result<NetworkRole, HubError> {
    match role.unwrap_or(NetworkRole::Member) {
        NetworkRole::Owner => Err(Refusal::new(ErrorCode::InvalidInput, "cannot assign owner role")
            .hint("hand the network over with `anet network transfer`")
            .into()),
        role => Ok(role),
    }
}
