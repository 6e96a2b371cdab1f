//! A system admin reads every network. That it was done is written down, once an hour for each network.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anet_protocol::id::{NetworkId, UserId};
use anet_protocol::time::Timestamp;

use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;

/// How long a line in the audit log speaks for further reads, in milliseconds.
const HOUR: i64 = 3_600_000;

/// What a call has read by the rank on the hub alone; `None` is every network at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct AdminReads {
    networks: Arc<Mutex<Vec<Option<NetworkId>>>>,
}

impl AdminReads {
    pub(crate) fn note(&self, network_id: Option<&NetworkId>) {
        self.networks.lock().unwrap_or_else(PoisonError::into_inner).push(network_id.cloned());
    }

    fn take(&self) -> Vec<Option<NetworkId>> {
        std::mem::take(&mut self.networks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What was written down lately.
#[derive(Default)]
pub(crate) struct WrittenReads {
    last: Mutex<HashMap<(UserId, Option<NetworkId>), Timestamp>>,
}

impl WrittenReads {
    fn is_new(&self, user_id: &UserId, network_id: Option<&NetworkId>, now: Timestamp) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|_, at| now.millis_since(*at) < HOUR);
        last.insert((user_id.clone(), network_id.cloned()), now).is_none()
    }
}

/// Writes down what the call has read as admin.
pub(crate) async fn write_down(hub: &Hub, caller: &Caller) -> Result<(), HubError> {
    let now = hub.now();
    let mut entries = Vec::new();
    for network_id in caller.admin_reads.take() {
        if !hub.live().written_reads.is_new(&caller.user.user_id, network_id.as_ref(), now) {
            continue;
        }
        let entry = AuditEntry::by(caller, "read_as_admin", now);
        entries.push(match &network_id {
            Some(network_id) => entry.to("network", network_id).within(network_id),
            None => entry.to("network", "").detail("every network"),
        });
    }
    if entries.is_empty() {
        return Ok(());
    }
    hub.write(async move |transaction| {
        for entry in &entries {
            transaction.insert_audit(entry).await?;
        }
        Ok(())
    })
    .await
}
