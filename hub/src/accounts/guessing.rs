//! Slows down whoever guesses passwords, without locking out whom they belong to.
//!
//! An attempt is counted before it is judged, so that a hundred at once are a hundred. From the fifth wrong one in a row
//! each doubles the pause before the next, from one second up to the longest pause. Attempts from an address that the
//! account has been logged in from lately are counted apart from all others: whoever guesses from elsewhere does not
//! slow those down.

use anet_protocol::rest::ErrorCode;
use anet_protocol::time::Timestamp;
use anet_protocol::token;

use crate::accounts::name;
use crate::audit::AuditEntry;
use crate::client::Client;
use crate::error::{HubError, Refusal};
use crate::hub::Hub;
use crate::limits::source;
use crate::store::{LoginFailures, StoredUser, Transaction};

/// A row of failures begins anew after so long.
const FORGET_SECONDS: i64 = 24 * 3600;

/// An address counts as the account's own for so long after a login.
const KNOWN_SECONDS: i64 = 30 * 24 * 3600;

/// What counts attempts from every address that the account was not logged in from.
const ELSEWHERE: &str = "*";

/// An attempt that was counted.
pub(crate) struct Attempt {
    account: String,
    source: String,
}

/// Counts an attempt, or refuses it unjudged. An unknown name is treated as a known one.
pub(crate) async fn begin(
    hub: &Hub,
    client: &Client,
    username: &str,
    user: Option<&StoredUser>,
) -> Result<Attempt, HubError> {
    let now = hub.now();
    let account = match user {
        Some(stored) => name::key(&stored.user.username),
        // It may be a password in the wrong field.
        None => token::digest(&name::key(username)),
    };
    let address = source(client.address);
    let known = match user {
        Some(stored) => {
            hub.read().await?.knows_source(&stored.user.user_id, &address, now.plus_seconds(-KNOWN_SECONDS)).await?
        }
        None => false,
    };
    let attempt = Attempt { account, source: if known { address } else { ELSEWHERE.to_owned() } };
    let refused =
        AuditEntry::anonymous(client.address, "login_locked", now).named(name::shown(username)).to("auth", "");
    let (operation, counted) = (hub.clone(), attempt.key());
    let wait = hub
        .write(async move |transaction| {
            let (account, source) = counted;
            let before = transaction.login_failures(&account, &source).await?;
            if let Some(before) = before.filter(|before| before.delayed_until > now) {
                transaction.insert_audit(&refused).await?;
                return Ok(Some(before.delayed_until.millis_since(now)));
            }
            let recent = before.filter(|before| now.millis_since(before.failed_at) < FORGET_SECONDS * 1000);
            let failures = recent.map_or(0, |before| before.failures).saturating_add(1);
            let delayed_until = now.plus_seconds(delay(&operation, failures));
            let failures = LoginFailures { failures, delayed_until, failed_at: now };
            transaction.set_login_failures(&account, &source, failures).await?;
            Ok(None)
        })
        .await?;
    match wait {
        None => Ok(attempt),
        Some(wait) => Err(Refusal::new(ErrorCode::LoginDelayed, "too many attempts, try again later")
            .message("too many wrong passwords for this account")
            .detail("retry_after_ms", wait)
            .into()),
    }
}

impl Attempt {
    fn key(&self) -> (String, String) {
        (self.account.clone(), self.source.clone())
    }

    /// It was right: the row of failures ends, and the address is known from now on.
    pub(crate) async fn succeeded(
        &self,
        transaction: &mut dyn Transaction,
        user: &StoredUser,
        client: &Client,
        now: Timestamp,
    ) -> Result<(), HubError> {
        transaction.clear_login_failures(&self.account, Some(&self.source)).await?;
        transaction.remember_source(&user.user.user_id, &source(client.address), now).await?;
        Ok(())
    }
}

/// The pause after so many failures in a row, in seconds.
fn delay(hub: &Hub, failures: u32) -> i64 {
    let settings = hub.settings();
    let Some(over) = failures.checked_sub(settings.login_attempts.max(1)) else { return 0 };
    let longest = i64::try_from(settings.login_delay.as_secs()).unwrap_or(i64::MAX);
    1_i64.checked_shl(over.min(40)).unwrap_or(i64::MAX).min(longest)
}
