//! Streams outlive the question whether they may be open, so it is asked again: at once when anything was changed that may
//! take access away, here or by another process on the hub's host, and once a minute because time ends tokens too.

use anet_protocol::id::{NetworkId, TokenId};
use anet_protocol::role::{CredentialKind, Operation};
use anet_protocol::time::Timestamp;

use crate::caller::{Caller, check_alive, invalid_token};
use crate::error::HubError;
use crate::hub::Hub;
use crate::store::TokenKey;

/// How long an unchanged hub is believed, in milliseconds.
const UNCHANGED: i64 = 60_000;

/// What the last look has seen.
#[derive(Debug, Default)]
pub(crate) struct Recheck {
    last: Option<(i64, Timestamp)>,
}

impl Recheck {
    /// Ends the streams of those who may no longer listen.
    pub(crate) async fn run(&mut self, hub: &Hub) -> Result<(), HubError> {
        if hub.live().streams.count() == 0 {
            self.last = None;
            return Ok(());
        }
        let now = hub.now();
        let revision = hub.read().await?.access_revision().await?;
        let is_fresh = |(seen, at): (i64, Timestamp)| seen == revision && now.millis_since(at) < UNCHANGED;
        if self.last.is_some_and(is_fresh) {
            return Ok(());
        }
        for (token_id, network_id) in hub.live().streams.tokens() {
            match may_listen(hub, &token_id, &network_id, now).await {
                Ok(()) => {}
                Err(HubError::Refused(refusal)) => {
                    tracing::info!(%token_id, %network_id, reason = %refusal, "streams were closed");
                    hub.live().streams.close_token_in(&token_id, &network_id);
                }
                Err(error) => return Err(error),
            }
        }
        self.last = Some((revision, now));
        Ok(())
    }
}

async fn may_listen(hub: &Hub, token_id: &TokenId, network_id: &NetworkId, now: Timestamp) -> Result<(), HubError> {
    let mut reads = hub.read().await?;
    let stored = reads.token(TokenKey::Id(token_id)).await?.ok_or_else(invalid_token)?;
    check_alive(&stored, hub.settings(), now)?;
    // A node that listens counts as connected, so it must be one that may work, as when it opened the stream.
    let operation = if stored.kind == CredentialKind::Node { Operation::WorkAsNode } else { Operation::Listen };
    Caller::of(stored, None).authorize(&mut *reads, network_id, operation).await
}
