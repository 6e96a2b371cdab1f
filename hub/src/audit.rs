//! What the audit log is told: who did what to what, from where.

use std::net::IpAddr;

use anet_protocol::id::{NetworkId, UserId};
use anet_protocol::rest::{AuditRow, User};
use anet_protocol::time::Timestamp;
use anet_protocol::token;

use crate::caller::Caller;

pub(crate) mod log;
pub(crate) mod verify;

/// The longest detail; what is longer is cut.
const DETAIL: usize = 500;

/// A line to be written. Its texts never hold a secret, and no control characters.
#[derive(Clone, Debug)]
pub(crate) struct AuditEntry {
    pub user_id: Option<UserId>,
    pub username: Option<String>,
    /// `user`, `node`, `api`, `legacy`, `local` where nobody is asked to log in, `console` or `anonymous`.
    pub actor_kind: &'static str,
    pub actor_id: Option<String>,
    /// Upstream's words (commhub-http §1.7), and those it lacks.
    pub action: &'static str,
    pub target_type: &'static str,
    pub target_id: Option<String>,
    pub detail: Option<String>,
    pub ip: Option<String>,
    pub network_id: Option<NetworkId>,
    pub created_at: Timestamp,
}

impl AuditEntry {
    fn new(actor_kind: &'static str, action: &'static str, created_at: Timestamp) -> Self {
        Self {
            user_id: None,
            username: None,
            actor_kind,
            actor_id: None,
            action,
            target_type: "hub",
            target_id: None,
            detail: None,
            ip: None,
            network_id: None,
            created_at,
        }
    }

    /// Of somebody who has shown a token.
    pub(crate) fn by(caller: &Caller, action: &'static str, now: Timestamp) -> Self {
        Self {
            user_id: Some(caller.user.user_id.clone()),
            username: Some(caller.user.username.clone()),
            actor_id: Some(caller.token_id.to_string()),
            ip: caller.address.map(|address| address.to_string()),
            ..Self::new(if caller.is_local { "local" } else { caller.credential.as_str() }, action, now)
        }
    }

    /// Of somebody who has shown nothing yet.
    pub(crate) fn anonymous(address: Option<IpAddr>, action: &'static str, now: Timestamp) -> Self {
        Self { ip: address.map(|address| address.to_string()), ..Self::new("anonymous", action, now) }
    }

    /// Of somebody who has just proved to be `user`.
    pub(crate) fn by_user(user: &User, address: Option<IpAddr>, action: &'static str, now: Timestamp) -> Self {
        Self {
            user_id: Some(user.user_id.clone()),
            username: Some(user.username.clone()),
            actor_kind: "user",
            ..Self::anonymous(address, action, now)
        }
    }

    /// Of the hub's own console, by the process there.
    pub(crate) fn console(process: &str, action: &'static str, now: Timestamp) -> Self {
        Self { actor_id: Some(process.to_owned()), ..Self::new("console", action, now) }
    }

    /// A name that was tried, whoever's it is. It may hold anything.
    pub(crate) fn named(mut self, attempted: &str) -> Self {
        self.username = Some(clean(attempted, 50));
        self
    }

    /// What it was done to.
    pub(crate) fn to(mut self, target_type: &'static str, target_id: impl AsRef<str>) -> Self {
        self.target_type = target_type;
        self.target_id = Some(clean(target_id.as_ref(), 200));
        self
    }

    pub(crate) fn detail(mut self, detail: impl AsRef<str>) -> Self {
        self.detail = Some(clean(detail.as_ref(), DETAIL));
        self
    }

    pub(crate) fn within(mut self, network_id: &NetworkId) -> Self {
        self.network_id = Some(network_id.clone());
        self
    }

    /// The row with its place in the chain.
    pub(crate) fn chained(&self, id: i64, previous: &str) -> AuditRow {
        let mut row = AuditRow {
            id,
            user_id: self.user_id.clone(),
            username: self.username.clone(),
            actor_kind: self.actor_kind.to_owned(),
            actor_id: self.actor_id.clone(),
            action: self.action.to_owned(),
            target_type: self.target_type.to_owned(),
            target_id: self.target_id.clone(),
            detail: self.detail.clone(),
            ip: self.ip.clone(),
            network_id: self.network_id.clone(),
            created_at: self.created_at,
            hash: String::new(),
        };
        row.hash = hash(previous, &row);
        row
    }
}

/// SHA-256 of the hash of the row before and of every field, as a JSON list: no two rows have one text.
pub(crate) fn hash(previous: &str, row: &AuditRow) -> String {
    let fields = serde_json::json!([
        previous,
        row.id,
        row.user_id,
        row.username,
        row.actor_kind,
        row.actor_id,
        row.action,
        row.target_type,
        row.target_id,
        row.detail,
        row.ip,
        row.network_id,
        row.created_at.as_millis(),
    ]);
    token::digest(&fields.to_string())
}

/// Without control characters, and not longer than `most`.
fn clean(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}
