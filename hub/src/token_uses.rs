//! When and from where tokens were used: kept to the minute, and written down in batches.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anet_protocol::id::TokenId;
use anet_protocol::time::Timestamp;

use crate::store::{StoredToken, TokenRow, TokenUse};

/// A use that is known to the database and no older than this is not written down again, in milliseconds.
const RESOLUTION: i64 = 60_000;

/// Uses that are not written down yet.
#[derive(Default)]
pub(crate) struct TokenUses {
    uses: Mutex<Uses>,
}

#[derive(Default)]
struct Uses {
    unsaved: HashMap<TokenId, TokenUse>,
    /// Handed over, and perhaps not in the database yet.
    leaving: HashMap<TokenId, TokenUse>,
}

impl TokenUses {
    fn lock(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, stored: &StoredToken, address: Option<IpAddr>, now: Timestamp) {
        if stored.last_used_at.is_some_and(|last| (0..RESOLUTION).contains(&now.millis_since(last))) {
            return;
        }
        let token_id = stored.token_id.clone();
        let usage =
            TokenUse { token_id: token_id.clone(), at: now, address: address.map(|address| address.to_string()) };
        self.lock().unsaved.insert(token_id, usage);
    }

    /// A row with the token's last use, which the database may not know yet.
    pub(crate) fn complete(&self, mut row: TokenRow) -> TokenRow {
        let uses = self.lock();
        let latest = uses.unsaved.get(&row.token_id).or_else(|| uses.leaving.get(&row.token_id));
        row.last_used_at = latest.map(|usage| usage.at).or(row.last_used_at);
        row
    }

    /// Hands over what is to be written down. Say with [`TokenUses::settle`] or [`TokenUses::restore`] how that went.
    pub(crate) fn take(&self) -> Vec<TokenUse> {
        let mut uses = self.lock();
        uses.leaving = std::mem::take(&mut uses.unsaved);
        uses.leaving.values().cloned().collect()
    }

    /// What was handed over is in the database.
    pub(crate) fn settle(&self) {
        self.lock().leaving.clear();
    }

    /// What was handed over could not be written down.
    pub(crate) fn restore(&self) {
        let mut uses = self.lock();
        for (token_id, usage) in std::mem::take(&mut uses.leaving) {
            uses.unsaved.entry(token_id).or_insert(usage);
        }
    }
}
