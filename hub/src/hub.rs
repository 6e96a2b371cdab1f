//! What all doors share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anet_protocol::event::Event;
use anet_protocol::id::{TaskId, TokenId};
use anet_protocol::rest::RegistrationPolicy;
use anet_protocol::time::Timestamp;
use anet_protocol::{Clock, Entropy, token};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::accounts::legacy;
use crate::admin::reads::WrittenReads;
use crate::audit::AuditEntry;
use crate::error::HubError;
use crate::events::Effect;
use crate::events::presence::{Presence, Unsaved};
use crate::events::streams::Streams;
use crate::exposure;
use crate::limits::{Action, Limits};
use crate::passwords::Passwords;
use crate::sessions::ticket::Tickets;
use crate::settings::{Access, Settings};
use crate::setup_code::SetupCode;
use crate::store::{Finished, Job, Reads, SqliteStore, Store, StoreError, StoreHolder, StoreResult, Transaction};
use crate::token_uses::TokenUses;

/// The name of the setting that says who may register.
pub(crate) const REGISTRATION: &str = "registration";

/// A running hub. Clones are the same hub.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    entropy: Arc<dyn Entropy>,
    store: Box<dyn Store>,
    live: Arc<Live>,
    passwords: Passwords,
    limits: Limits,
    setup_code: SetupCode,
    /// The login of whoever is on this machine, where nobody is asked to log in.
    local_login: tokio::sync::Mutex<Option<TokenId>>,
    started: Timestamp,
    /// Set when open requests must come to an end.
    stopping: CancellationToken,
}

/// What changes without being stored.
pub(crate) struct Live {
    clock: Arc<dyn Clock>,
    pub streams: Streams,
    pub presence: Presence,
    pub tickets: Tickets,
    pub uses: TokenUses,
    pub written_reads: WrittenReads,
    waiters: Mutex<HashMap<TaskId, watch::Sender<()>>>,
}

impl Live {
    /// What follows from a commit.
    fn publish(&self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Publish(stored) => {
                    if self.streams.publish(&stored)
                        && let Event::NewTask { task_id, .. } = &stored.event
                    {
                        self.presence.pushed(task_id, self.clock.now());
                    }
                }
                Effect::TaskEnded(task_id) => {
                    drop(self.waiters.lock().unwrap_or_else(PoisonError::into_inner).remove(&task_id));
                }
                Effect::Supersede { channel, by } => self.streams.supersede(&channel, &by),
                Effect::CloseChannel(channel) => self.streams.close_channel(&channel),
                Effect::CloseToken(token_id) => self.streams.close_token(&token_id),
                Effect::CloseNetwork(network_id) => self.streams.close_network(&network_id),
                Effect::Rekey { from, to } => self.streams.rekey(&from, &to),
            }
        }
    }
}

impl Hub {
    /// Opens the database, creating it when there is none. Leases are given one more lease time: it was the hub that
    /// was away, not their holders.
    ///
    /// # Errors
    /// When another hub holds the database, it cannot be opened, or the hub would be open to strangers.
    pub async fn open(settings: Settings, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, HubError> {
        exposure::check_settings(&settings)?;
        let hub = Self::on(settings, clock, entropy, StoreHolder::Alone).await?;
        exposure::check_accounts(&hub).await?;
        legacy::install(&hub).await?;
        let until = hub.lease_end();
        let extended = hub.write(async move |transaction| Ok(transaction.extend_leases(until).await?)).await?;
        if extended > 0 {
            tracing::info!(extended, "leases were given more time");
        }
        Ok(hub)
    }

    /// The hub's data without its duties, beside a hub that may be running: for the console of the hub's host.
    pub(crate) async fn beside(
        settings: Settings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, HubError> {
        Self::on(settings, clock, entropy, StoreHolder::Beside).await
    }

    async fn on(
        settings: Settings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        holder: StoreHolder,
    ) -> Result<Self, HubError> {
        let live = Arc::new(Live {
            clock,
            streams: Streams::default(),
            presence: Presence::default(),
            tickets: Tickets::default(),
            uses: TokenUses::default(),
            written_reads: WrittenReads::default(),
            waiters: Mutex::default(),
        });
        let publish = {
            let live = Arc::clone(&live);
            Arc::new(move |effects| live.publish(effects))
        };
        let store = Box::new(SqliteStore::open(&settings, holder, publish).await?);
        let passwords = Passwords::new(settings.hashing_queue, Arc::clone(&entropy));
        let started = live.clock.now();
        let mut reads = store.reader().await?;
        let limits = Limits::new(settings.limits, reads.rate_limits().await?);
        let is_open = settings.is_loopback || reads.has_users().await?;
        drop(reads);
        let setup_code = match holder {
            StoreHolder::Alone => SetupCode::prepare(&settings.database, !is_open, entropy.as_ref())?,
            StoreHolder::Beside => SetupCode::of_another(&settings.database),
        };
        let shared = Shared {
            settings,
            entropy,
            store,
            live,
            passwords,
            limits,
            setup_code,
            local_login: tokio::sync::Mutex::default(),
            started,
            stopping: CancellationToken::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.shared.entropy.as_ref()
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.shared.passwords
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    pub(crate) fn setup_code(&self) -> &SetupCode {
        &self.shared.setup_code
    }

    pub(crate) fn local_login(&self) -> &tokio::sync::Mutex<Option<TokenId>> {
        &self.shared.local_login
    }

    /// Who may make an account at this moment.
    pub(crate) async fn registration(&self, reads: &mut dyn Reads) -> Result<RegistrationPolicy, HubError> {
        if self.settings().access == Access::SingleUser {
            return Ok(RegistrationPolicy::Closed);
        }
        let set = reads.setting(REGISTRATION).await?.and_then(|word| RegistrationPolicy::parse(&word));
        let default = if self.settings().is_loopback { RegistrationPolicy::Open } else { RegistrationPolicy::Invite };
        Ok(set.or(self.settings().registration).unwrap_or(default))
    }

    /// What is stored in place of a browser session's secret: with another session secret none fits any more.
    pub(crate) fn session_digest(&self, secret: &str) -> String {
        match &self.settings().session_secret {
            Some(key) => token::digest(&format!("{}\n{secret}", key.expose_secret())),
            None => token::digest(secret),
        }
    }

    pub(crate) fn is_legacy_token(&self, token: &SecretString) -> bool {
        let legacy = self.settings().legacy_token.as_ref();
        legacy.is_some_and(|legacy| token::digest(legacy.expose_secret()) == token::digest(token.expose_secret()))
    }

    /// Writes down that somebody was refused, unless the address has had that done too often of late.
    pub(crate) async fn note_refusal(&self, address: Option<IpAddr>, entry: AuditEntry) -> Result<(), HubError> {
        if self.limits().wait(Action::Refusal, address, self.now()).is_some() {
            return Ok(());
        }
        self.write(async move |transaction| Ok(transaction.insert_audit(&entry).await?)).await
    }

    pub(crate) fn live(&self) -> &Live {
        &self.shared.live
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.live().clock.now()
    }

    /// When the hub began to answer.
    pub(crate) fn started(&self) -> Timestamp {
        self.shared.started
    }

    /// When a lease given now runs out.
    pub(crate) fn lease_end(&self) -> Timestamp {
        self.now().plus_seconds(i64::try_from(self.settings().lease.as_secs()).unwrap_or(i64::MAX))
    }

    /// Makes a change: all of it or nothing, on disk before the answer. `job` may run together with others in one
    /// database transaction, so it must not catch an error of the store and go on.
    pub(crate) async fn write<T, F>(&self, job: F) -> Result<T, HubError>
    where
        T: Send + 'static,
        F: for<'t> AsyncFnOnce(&'t mut dyn Transaction) -> Result<T, HubError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |transaction| {
            Box::pin(async move {
                let result = job(transaction).await;
                let keep = result.is_ok();
                // An asker who has gone away misses the answer; the change stays.
                let answer = Box::new(move |stored: StoreResult<()>| {
                    drop(sender.send(stored.map_err(HubError::from).and(result)));
                });
                Finished { keep, answer }
            })
        });
        if self.shared.store.submit(job).is_err() {
            return Err(HubError::WriterGone);
        }
        receiver.await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable { source: "the change was rolled back with its group".into() }.into())
        })
    }

    /// A view of what is stored.
    pub(crate) async fn read(&self) -> Result<Box<dyn Reads>, HubError> {
        Ok(self.shared.store.reader().await?)
    }

    /// Resolves when a task has ended after this call.
    pub(crate) fn task_end(&self, task_id: &TaskId) -> impl Future<Output = ()> + Send + use<> {
        let mut receiver = {
            let mut waiters = self.live().waiters.lock().unwrap_or_else(PoisonError::into_inner);
            // Those whose askers have all gone are of no use any more.
            waiters.retain(|_, sender| sender.receiver_count() > 0);
            waiters.entry(task_id.clone()).or_insert_with(|| watch::channel(()).0).subscribe()
        };
        async move {
            // Nothing is ever sent; the sender is dropped at the end of the task.
            while receiver.changed().await.is_ok() {}
        }
    }

    /// Set once open requests must come to an end.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.shared.stopping
    }

    /// Resolves when nothing can be stored any more.
    pub(crate) async fn writer_ended(&self) {
        self.shared.store.writer_ended().await;
    }

    /// Writes presence down.
    pub(crate) async fn save_presence(&self) -> Result<(), HubError> {
        let Some(Unsaved { nodes, pushed }) = self.live().presence.take_unsaved() else { return Ok(()) };
        let node_ids: Vec<_> = nodes.iter().map(|row| row.node_id.clone()).collect();
        let stamps = pushed.clone();
        let saved = self
            .write(async move |transaction| {
                for row in &nodes {
                    transaction.touch_node(row).await?;
                }
                for (task_id, at) in &stamps {
                    transaction.stamp_pushed(task_id, *at).await?;
                }
                Ok(())
            })
            .await;
        if saved.is_err() {
            self.live().presence.restore(&node_ids, pushed);
        }
        saved
    }

    /// Writes down how the limits stand and when tokens were used.
    pub(crate) async fn save_uses(&self) -> Result<(), HubError> {
        let (limits, uses) = (self.limits().take_unsaved(), self.live().uses.take());
        if limits.is_empty() && uses.is_empty() {
            return Ok(());
        }
        let (limit_rows, token_rows) = (limits.clone(), uses);
        let saved = self
            .write(async move |transaction| {
                for row in &limit_rows {
                    transaction.save_rate_limit(row).await?;
                }
                for usage in &token_rows {
                    transaction.touch_token(usage).await?;
                }
                Ok(())
            })
            .await;
        if saved.is_err() {
            self.limits().restore(limits);
            self.live().uses.restore();
        } else {
            self.live().uses.settle();
        }
        saved
    }

    /// Ends open streams and waits, writes down what is only in memory, and closes the database.
    pub async fn close(&self) {
        self.shared.stopping.cancel();
        if let Err(error) = self.save_presence().await {
            tracing::warn!(%error, "presence was not saved");
        }
        if let Err(error) = self.save_uses().await {
            tracing::warn!(%error, "limits and uses were not saved");
        }
        self.shared.store.close().await;
    }
}
