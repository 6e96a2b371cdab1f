//! When and from where tokens were used: kept to the minute, and written down in batches.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use anet_protocol::id::TokenId;
use anet_protocol::time::Timestamp;

use crate::store::{StoredToken, TokenUse};

/// A use that is known to the database and no older than this is not written down again, in milliseconds.
const RESOLUTION: i64 = 60_000;

/// Uses that are not written down yet.
#[derive(Default)]
pub(crate) struct TokenUses {
    unsaved: Mutex<HashMap<TokenId, TokenUse>>,
}

impl TokenUses {
    pub(crate) fn note(&self, stored: &StoredToken, address: Option<IpAddr>, now: Timestamp) {
        if stored.last_used_at.is_some_and(|last| (0..RESOLUTION).contains(&now.millis_since(last))) {
            return;
        }
        let token_id = stored.token_id.clone();
        let usage =
            TokenUse { token_id: token_id.clone(), at: now, address: address.map(|address| address.to_string()) };
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).insert(token_id, usage);
    }

    /// Hands over what is to be written down. Give it back with [`TokenUses::restore`] if that fails.
    pub(crate) fn take(&self) -> Vec<TokenUse> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, usage)| usage).collect()
    }

    pub(crate) fn restore(&self, uses: Vec<TokenUse>) {
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        for usage in uses {
            unsaved.entry(usage.token_id.clone()).or_insert(usage);
        }
    }
}
