use anet_protocol::id::UserId;
use anet_protocol::rest::User;
use anet_protocol::role::SystemRole;
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::StoreResult;

/// How a password is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredPassword {
    /// Which of `passwords.rs`' schemes made the hash.
    pub scheme: i64,
    pub hash: String,
}

/// A user with what proves the identity.
#[derive(Clone, Debug)]
pub(crate) struct StoredUser {
    pub user: User,
    pub password: StoredPassword,
    pub created_at: Timestamp,
}

/// Questions about people.
#[async_trait]
pub(crate) trait AccountReads: Send {
    async fn has_users(&mut self) -> StoreResult<bool>;
    /// The user of exactly that name, else the one whose name has this key.
    async fn user_by_name(&mut self, username: &str, key: &str) -> StoreResult<Option<StoredUser>>;
    async fn user(&mut self, user_id: &UserId) -> StoreResult<Option<StoredUser>>;
    /// All, oldest first.
    async fn users(&mut self) -> StoreResult<Vec<StoredUser>>;
    /// What an administrator has set while the hub ran.
    async fn setting(&mut self, name: &str) -> StoreResult<Option<String>>;
}

/// Changes of people.
#[async_trait]
pub(crate) trait AccountWrites: Send {
    /// False when the name is taken, also by one that differs in case alone.
    async fn insert_user(&mut self, user: &StoredUser, key: &str) -> StoreResult<bool>;
    async fn set_password(&mut self, user_id: &UserId, password: &StoredPassword, must_change: bool)
    -> StoreResult<()>;
    async fn set_profile(&mut self, user: &User) -> StoreResult<()>;
    async fn set_system_role(&mut self, user_id: &UserId, role: SystemRole) -> StoreResult<()>;
    /// Replaces the recovery key by one of this digest, or takes it away.
    async fn set_recovery(&mut self, user_id: &UserId, digest: Option<&str>) -> StoreResult<()>;
    /// Uses the recovery key up; false when it is not this one.
    async fn take_recovery(&mut self, user_id: &UserId, digest: &str) -> StoreResult<bool>;
    async fn set_setting(&mut self, name: &str, value: &str) -> StoreResult<()>;
}
