//! Networks, their members and the invites to them.

use anet_protocol::id::{InviteId, NetworkId, UserId};
use anet_protocol::rest::{
    AddMember, ChangeRole, CreateInvite, CreateNetwork, DeleteNetwork, Done, InviteCreated, InviteList, JoinNetwork,
    MemberList, MemberRemoved, NetworkAnswer, NetworkCreated, NetworkDeleted, NetworkJoined, NetworkList,
    RenameNetwork, TransferNetwork,
};
use reqwest::Method;

use super::{HubClient, segment};
use crate::failure::Failure;

/// The path of a network, or of something below it.
fn path(network_id: &NetworkId, below: &str) -> String {
    format!("/api/networks/{}{below}", segment(network_id.as_str()))
}

fn member(network_id: &NetworkId, user_id: &UserId) -> String {
    path(network_id, &format!("/members/{}", segment(user_id.as_str())))
}

impl HubClient {
    /// The networks the person is in.
    pub(crate) async fn networks(&self) -> Result<NetworkList, Failure> {
        self.get("cannot list the networks", "/api/networks", &()).await
    }

    /// Creates a network.
    pub(crate) async fn create_network(&self, request: &CreateNetwork) -> Result<NetworkCreated, Failure> {
        self.post("cannot create the network", "/api/networks", request).await
    }

    /// A network and what it holds.
    pub(crate) async fn network(&self, id: &NetworkId) -> Result<NetworkAnswer, Failure> {
        self.get("cannot look at the network", &path(id, ""), &()).await
    }

    /// Gives a network another name.
    pub(crate) async fn rename_network(&self, id: &NetworkId, request: &RenameNetwork) -> Result<Done, Failure> {
        self.put("cannot rename the network", &path(id, ""), request).await
    }

    /// Deletes a network with everything in it.
    pub(crate) async fn delete_network(
        &self,
        id: &NetworkId,
        query: &DeleteNetwork,
    ) -> Result<NetworkDeleted, Failure> {
        self.call("cannot delete the network", self.request(Method::DELETE, &path(id, "")).query(query)).await
    }

    /// The people in a network.
    pub(crate) async fn members(&self, id: &NetworkId) -> Result<MemberList, Failure> {
        self.get("cannot list the members", &path(id, "/members"), &()).await
    }

    /// Makes a person a member.
    pub(crate) async fn add_member(&self, id: &NetworkId, request: &AddMember) -> Result<Done, Failure> {
        self.post("cannot add the member", &format!("/api/networks/{id}/members"), request).await
    }

    /// Gives a member another role.
    pub(crate) async fn change_role(
        &self,
        id: &NetworkId,
        user_id: &UserId,
        request: &ChangeRole,
    ) -> Result<Done, Failure> {
        self.put("cannot change the role", &member(id, user_id), request).await
    }

    /// Takes a member out of a network.
    pub(crate) async fn remove_member(&self, id: &NetworkId, user_id: &UserId) -> Result<MemberRemoved, Failure> {
        self.act("cannot remove the member", Method::DELETE, &member(id, user_id)).await
    }

    /// Takes oneself out of a network.
    pub(crate) async fn leave_network(&self, id: &NetworkId) -> Result<MemberRemoved, Failure> {
        self.act("cannot leave the network", Method::POST, &path(id, "/leave")).await
    }

    /// Gives a network to another member.
    pub(crate) async fn transfer_network(&self, id: &NetworkId, request: &TransferNetwork) -> Result<Done, Failure> {
        self.post("cannot transfer the network", &path(id, "/transfer"), request).await
    }

    /// Makes an invite to a network.
    pub(crate) async fn create_invite(&self, id: &NetworkId, request: &CreateInvite) -> Result<InviteCreated, Failure> {
        self.post("cannot make an invite", &path(id, "/invite"), request).await
    }

    /// The invites to a network.
    pub(crate) async fn invites(&self, id: &NetworkId) -> Result<InviteList, Failure> {
        self.get("cannot list the invites", &path(id, "/invites"), &()).await
    }

    /// Revokes an invite to a network.
    pub(crate) async fn revoke_invite(&self, id: &NetworkId, invite_id: &InviteId) -> Result<Done, Failure> {
        let path = path(id, &format!("/invites/{}", segment(invite_id.as_str())));
        self.act("cannot revoke the invite", Method::DELETE, &path).await
    }

    /// Joins the network of an invite.
    pub(crate) async fn join_network(&self, request: &JoinNetwork) -> Result<NetworkJoined, Failure> {
        self.post("cannot join", "/api/networks/join", request).await
    }
}
