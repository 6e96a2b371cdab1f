use anet_protocol::id::UserId;
use anet_protocol::time::Timestamp;
use async_trait::async_trait;

use super::StoreResult;

/// Wrong passwords in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoginFailures {
    pub failures: u32,
    /// No password is tried before.
    pub delayed_until: Timestamp,
    pub failed_at: Timestamp,
}

/// Where a limit per address stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LimitRow {
    pub key: String,
    pub empty_at: Timestamp,
}

/// Questions about attempts to get in.
#[async_trait]
pub(crate) trait GuessReads: Send {
    async fn login_failures(&mut self, account: &str, source: &str) -> StoreResult<Option<LoginFailures>>;
    /// All sources of an account together: the most failures and the longest delay.
    async fn worst_login_failures(&mut self, account: &str) -> StoreResult<Option<LoginFailures>>;
    /// Whether the user has logged in from this address since `since`.
    async fn knows_source(&mut self, user_id: &UserId, address: &str, since: Timestamp) -> StoreResult<bool>;
    async fn rate_limits(&mut self) -> StoreResult<Vec<LimitRow>>;
}

/// Changes after attempts to get in.
#[async_trait]
pub(crate) trait GuessWrites: Send {
    async fn set_login_failures(&mut self, account: &str, source: &str, failures: LoginFailures) -> StoreResult<()>;
    async fn clear_login_failures(&mut self, account: &str, source: Option<&str>) -> StoreResult<()>;
    async fn remember_source(&mut self, user_id: &UserId, address: &str, now: Timestamp) -> StoreResult<()>;
    async fn save_rate_limit(&mut self, limit: &LimitRow) -> StoreResult<()>;
    /// Forgets failures, sources and limits of before.
    async fn forget_attempts(&mut self, failures: Timestamp, sources: Timestamp, limits: Timestamp) -> StoreResult<()>;
}
