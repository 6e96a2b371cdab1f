//! What the hub's administrators ask for.

use anet_protocol::id::{InviteId, UserId};
use anet_protocol::rest::{
    ChangeSystemRole, CreateSystemInvite, Done, InviteCreated, InviteList, Registration, UserAnswer, UserList,
};
use reqwest::Method;

use super::{HubClient, segment};
use crate::failure::Failure;

impl HubClient {
    /// Every account.
    pub(crate) async fn users(&self) -> Result<UserList, Failure> {
        self.get("cannot list the accounts", "/api/users", &()).await
    }

    /// Lets an account try its password again at once.
    pub(crate) async fn unlock_user(&self, user_id: &UserId) -> Result<Done, Failure> {
        let path = format!("/api/admin/users/{}/unlock", segment(user_id.as_str()));
        self.act("cannot unlock the account", Method::POST, &path).await
    }

    /// Gives an account another rank on the hub.
    pub(crate) async fn change_system_role(
        &self,
        user_id: &UserId,
        request: &ChangeSystemRole,
    ) -> Result<UserAnswer, Failure> {
        let path = format!("/api/admin/users/{}/role", segment(user_id.as_str()));
        self.put("cannot change the role", &path, request).await
    }

    /// Who may register.
    pub(crate) async fn registration(&self) -> Result<Registration, Failure> {
        self.get("cannot ask who may register", "/api/admin/registration", &()).await
    }

    /// Says who may register from now on.
    pub(crate) async fn set_registration(&self, request: &Registration) -> Result<Registration, Failure> {
        self.put("cannot change who may register", "/api/admin/registration", request).await
    }

    /// Makes an invite to the hub.
    pub(crate) async fn create_system_invite(&self, request: &CreateSystemInvite) -> Result<InviteCreated, Failure> {
        self.post("cannot make an invite", "/api/admin/invites", request).await
    }

    /// The invites to the hub.
    pub(crate) async fn system_invites(&self) -> Result<InviteList, Failure> {
        self.get("cannot list the invites", "/api/admin/invites", &()).await
    }

    /// Revokes an invite to the hub.
    pub(crate) async fn revoke_system_invite(&self, invite_id: &InviteId) -> Result<Done, Failure> {
        let path = format!("/api/admin/invites/{}", segment(invite_id.as_str()));
        self.act("cannot revoke the invite", Method::DELETE, &path).await
    }
}
