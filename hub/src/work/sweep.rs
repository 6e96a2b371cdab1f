//! What happens because time passes.

use std::time::Duration;

use anet_protocol::id::MessageId;
use anet_protocol::task_state::TaskEvent;
use anet_protocol::time::Timestamp;

use crate::error::HubError;
use crate::hub::Hub;
use crate::tasks::transition::{Change, apply};
use crate::work::release::{Loss, release_or_fail};

/// How many tasks or events one transaction deals with, so that no caller waits long behind a sweep.
const BATCH: u32 = 200;

/// Ends what is past its time: leases that ran out and tasks that nobody claimed.
pub(crate) async fn sweep(hub: &Hub) -> Result<(), HubError> {
    while is_due(hub).await? {
        let operation = hub.clone();
        let now = hub.now();
        hub.write(async move |transaction| {
            let message_id = || MessageId::random(operation.entropy());
            for lapsed in transaction.lapsed_tasks(now, BATCH).await? {
                let reason = "the node did not renew its lease".to_owned();
                let loss = Loss { code: "lease_expired", reason, now, message_id: message_id() };
                release_or_fail(transaction, &lapsed, loss).await?;
            }
            for overdue in transaction.overdue_tasks(now, BATCH).await? {
                let reason = "no node claimed the task in its time to live";
                let change = Change {
                    event: TaskEvent::Expire,
                    actor: "hub",
                    detail: Some(reason),
                    now,
                    message_id: message_id(),
                };
                apply(transaction, &overdue, change, |task| task.task.result = Some(reason.to_owned())).await?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Asked of a reading connection, so that a hub with nothing to do writes nothing.
async fn is_due(hub: &Hub) -> Result<bool, HubError> {
    let now = hub.now();
    let mut reads = hub.read().await?;
    Ok(!reads.lapsed_tasks(now, 1).await?.is_empty() || !reads.overdue_tasks(now, 1).await?.is_empty())
}

/// Forgets tokens that no longer work and attempts that no longer count, and archives old lines of the audit log.
pub(crate) async fn tidy(hub: &Hub) -> Result<(), HubError> {
    let now = hub.now();
    let settings = hub.settings();
    // Dead logins stay for a day, so that their owners are told that they have expired, and not that they are unknown.
    let day = Duration::from_secs(24 * 3600);
    let idle = settings.login_idle;
    let idle_since = if idle.is_zero() { Timestamp::from_millis(i64::MIN) } else { now.minus(idle).minus(day) };
    loop {
        let dead = hub.read().await?.dead_tokens(now.minus(day), idle_since, BATCH).await?;
        if dead.is_empty() {
            break;
        }
        hub.write(async move |transaction| {
            for token_id in &dead {
                transaction.delete_token(token_id).await?;
            }
            Ok(())
        })
        .await?;
    }
    let (failures, sources) = (now.minus(day), now.minus(day * 31));
    hub.write(async move |transaction| Ok(transaction.forget_attempts(failures, sources, now).await?)).await?;
    let before = now.minus(settings.audit_age);
    while hub.write(async move |transaction| Ok(transaction.archive_audit(before, BATCH).await?)).await? > 0 {}
    Ok(())
}

/// Forgets events that are too old or too many.
pub(crate) async fn prune(hub: &Hub) -> Result<(), HubError> {
    let settings = hub.settings();
    let age = i64::try_from(settings.event_age.as_secs()).unwrap_or(i64::MAX);
    let (before, count) = (hub.now().plus_seconds(-age), settings.event_count);
    let networks = hub.read().await?.networks_with_old_events(before, count).await?;
    for network_id in networks {
        loop {
            let network_id = network_id.clone();
            let pruned = hub
                .write(async move |transaction| Ok(transaction.prune_events(&network_id, before, count, BATCH).await?))
                .await?;
            if pruned < u64::from(BATCH) {
                break;
            }
        }
    }
    Ok(())
}
