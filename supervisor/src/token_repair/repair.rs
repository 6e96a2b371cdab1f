use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use anet_protocol::Entropy;
use anet_protocol::id::TokenId;
use anet_protocol::rest::{Me, NodeToken, NodeTokenRequest};
use anet_protocol::token::{self, TokenKind, fingerprint};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::hub_api::{Denial, DenialKind, HubApi, PATIENCE};
use super::pending::Pending;
use super::place::{self, Place};
use super::probe::{self, Probe};
use super::{NodeAccount, NodeConfigFile, RepairError, RepairOutcome};
use crate::hub_address::may_share_token;
use crate::login::Login;
use crate::private_file::FileLock;

/// Why a token is to be repaired.
#[derive(Clone, Debug)]
pub enum Cause {
    /// Somebody looks: it is replaced if it is missing, not a node's, or refused.
    Check,
    /// The hub answered 401 to this one. Another one in the configuration by now is left alone if it works.
    Refused(SecretString),
    /// This one works and ends soon.
    Rotation(SecretString),
}

/// The steps of a repair, each done before the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The hub has made a token.
    Minted,
    /// The hub takes it for this node, in its network.
    Verified,
    /// It is in the node's configuration, on disk.
    Persisted,
    /// The running node was told.
    Switched,
    /// The replaced one is revoked.
    Revoked,
}

/// A repair of one node's token.
pub struct Repair<'a> {
    /// The node's directory, `PROJECT/.anet/nodes/NAME`.
    pub directory: &'a Path,
    /// The person's login, with which the token is minted.
    pub login: &'a Login,
    /// Why.
    pub cause: Cause,
    /// How long the hub may take for an answer.
    pub patience: Duration,
    /// The source of chance.
    pub entropy: &'a dyn Entropy,
    /// Tells the running node to read its configuration again.
    pub switch: &'a (dyn Fn() + Send + Sync),
    /// Called after each step; a break ends the repair there as a crash would.
    pub after: &'a (dyn Fn(Step) -> ControlFlow<()> + Send + Sync),
}

/// A repair that was carried out, and what it cost.
#[derive(Debug)]
pub struct Repaired {
    /// How it ended.
    pub outcome: RepairOutcome,
    /// How many requests the hub was sent (R47).
    pub requests: u32,
}

impl<'a> Repair<'a> {
    /// A repair that tells no running node.
    pub fn new(directory: &'a Path, login: &'a Login, cause: Cause, entropy: &'a dyn Entropy) -> Self {
        Self {
            directory,
            login,
            cause,
            patience: PATIENCE,
            entropy,
            switch: &|| {},
            after: &|_| ControlFlow::Continue(()),
        }
    }

    /// Does it, one at a time per node, whoever else in whatever process tries the same.
    ///
    /// # Errors
    /// When the node's files cannot be used; what the hub says is an outcome.
    pub async fn run(self) -> Result<RepairOutcome, RepairError> {
        Ok(self.run_counted().await?.outcome)
    }

    /// The same, and how many requests it took.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_counted(self) -> Result<Repaired, RepairError> {
        let path = self.directory.join("token-repair.lock");
        let lock = tokio::task::spawn_blocking(move || FileLock::wait(&path));
        let _lock = lock.await.map_err(|error| RepairError::Fault(error.to_string()))??;
        let account = NodeAccount::read(self.directory, self.login)?;
        let hub = HubApi::new(probe::address(&account)?, self.patience)?;
        let outcome = match self.repair(&hub, &account).await {
            Ok(outcome) | Err(Stop::Outcome(outcome)) => outcome,
            Err(Stop::Error(error)) => return Err(error),
        };
        Ok(Repaired { outcome, requests: hub.asked() })
    }

    async fn repair(&self, hub: &HubApi, account: &NodeAccount) -> Result<RepairOutcome, Stop> {
        let current = probe::ask(hub, account).await;
        let mut replaced = None;
        let mut may_create = false;
        match current {
            Probe::Valid { token_id, .. } if !self.is_to_rotate(account) => return self.is_valid(hub, token_id).await,
            Probe::Valid { token_id, .. } => replaced = Some(token_id),
            Probe::Refused { .. } => {}
            Probe::Missing | Probe::WrongKind(_) | Probe::Untyped => may_create = true,
            Probe::Foreign { node_id, network_id } => {
                return Ok(foreign(account, node_id.as_ref(), network_id.as_ref()));
            }
            Probe::Forbidden { reason } => {
                let hint = "`anet doctor` looks into it; a token that the hub knows is not replaced".to_owned();
                return Ok(RepairOutcome::NeedsAttention { reason, hint });
            }
            Probe::Unreachable { reason, retry_after } => return Ok(RepairOutcome::Later { reason, retry_after }),
        }
        let me = self.log_in(hub, account).await?;
        let place = place::find(hub, self.login, &me, account, may_create).await?;
        let mut revoked = match Pending::load(self.directory)? {
            Some(left) => left.clean_up(hub, self.login, replaced.as_ref(), self.directory).await?,
            None => Vec::new(),
        };
        let label = format!("repair-{:032x}", u128::from_ne_bytes(self.entropy.bytes()));
        let lost_by = has_lost_its_token(account).then(|| account.node_id.clone());
        let pending = Pending { label, replaced, lost_by };
        pending.save(self.directory)?;
        let minted = self.mint(hub, account, &place, &pending).await?;
        let token = SecretString::from(minted.token);
        self.step(Step::Minted)?;
        self.verify(hub, account, &place, &token, &minted.token_id).await?;
        self.step(Step::Verified)?;
        if !self.persist(account, &place, &token).await? {
            revoke(hub, self.login, &minted.token_id).await;
            let reason = "its configuration was changed by somebody else meanwhile".to_owned();
            return Ok(RepairOutcome::Later { reason, retry_after: None });
        }
        self.step(Step::Persisted)?;
        (self.switch)();
        self.step(Step::Switched)?;
        revoked.extend(pending.clean_up(hub, self.login, Some(&minted.token_id), self.directory).await?);
        self.step(Step::Revoked)?;
        let fingerprint = fingerprint(token.expose_secret());
        tracing::info!(node = account.name, fingerprint, network = %place.network_id, "the node has a new token");
        Ok(RepairOutcome::Repaired { fingerprint, token_id: minted.token_id, network_id: place.network_id, revoked })
    }

    /// Whether the token in the configuration is the very one that is to be replaced although it works.
    fn is_to_rotate(&self, account: &NodeAccount) -> bool {
        let Cause::Rotation(old) = &self.cause else { return false };
        account.token.as_ref().is_some_and(|token| token.expose_secret() == old.expose_secret())
    }

    async fn is_valid(&self, hub: &HubApi, token_id: TokenId) -> Result<RepairOutcome, Stop> {
        let revoked = match Pending::load(self.directory)? {
            Some(left) => left.clean_up(hub, self.login, Some(&token_id), self.directory).await?,
            None => Vec::new(),
        };
        // Whoever was refused has an older one than the configuration.
        (self.switch)();
        Ok(RepairOutcome::AlreadyValid { token_id, revoked })
    }

    /// Checks the person's own login, before anything is asked in its name.
    async fn log_in(&self, hub: &HubApi, account: &NodeAccount) -> Result<Me, Stop> {
        let home = Url::parse(&self.login.hub)
            .map_err(|_| RepairError::Hub { directory: self.directory.to_owned(), hub: self.login.hub.clone() })?;
        if !may_share_token(&home, &probe::address(account)?) {
            let reason = format!("its hub is {}, and the login is for {}", account.hub, self.login.hub);
            return Err(Stop::Outcome(blocked(reason, account)));
        }
        let me = hub.me(self.login.token.as_ref()).await.map_err(|denial| match denial.kind {
            DenialKind::Unauthorized if self.login.token.is_none() => {
                blocked("nobody is logged in".to_owned(), account)
            }
            DenialKind::Unauthorized => blocked("the login is refused by the hub".to_owned(), account),
            _ => deny(denial),
        })?;
        Ok(me)
    }

    async fn mint(
        &self,
        hub: &HubApi,
        account: &NodeAccount,
        place: &Place,
        pending: &Pending,
    ) -> Result<NodeToken, Stop> {
        let wanted = NodeTokenRequest {
            network_id: place.network_id.clone(),
            node_name: place.name.clone(),
            node_id: Some(account.node_id.clone()),
            label: Some(pending.label.clone()),
        };
        Ok(hub.mint(self.login.token.as_ref(), &wanted).await.map_err(deny)?)
    }

    /// A token that is not what it should be never reaches the configuration.
    async fn verify(
        &self,
        hub: &HubApi,
        account: &NodeAccount,
        place: &Place,
        token: &SecretString,
        token_id: &TokenId,
    ) -> Result<(), Stop> {
        let minted =
            NodeAccount { token: Some(token.clone()), network_id: Some(place.network_id.clone()), ..account.clone() };
        let reason = match probe::ask(hub, &minted).await {
            Probe::Valid { .. } => return Ok(()),
            // Its state is unknown; the next repair finds it by its label.
            Probe::Unreachable { reason, retry_after } => {
                return Err(Stop::Outcome(RepairOutcome::Later { reason, retry_after }));
            }
            Probe::Refused { reason } | Probe::Forbidden { reason } => {
                format!("the hub does not take the token it has just made: {reason}")
            }
            Probe::Foreign { .. } | Probe::Missing | Probe::WrongKind(_) | Probe::Untyped => {
                "the hub made a token for another node or network than it was asked for".to_owned()
            }
        };
        revoke(hub, self.login, token_id).await;
        Err(Stop::Outcome(RepairOutcome::Later { reason, retry_after: None }))
    }

    /// Writes the token, unless somebody else has written another one since.
    async fn persist(&self, account: &NodeAccount, place: &Place, token: &SecretString) -> Result<bool, Stop> {
        let (directory, before) = (self.directory.to_owned(), account.token.clone());
        let (token, network_id) = (token.clone(), place.network_id.clone());
        let write = move || -> Result<bool, RepairError> {
            let file = NodeConfigFile::lock(&directory)?;
            let mut config = file.load()?;
            let text = |token: &Option<SecretString>| token.as_ref().map(|token| token.expose_secret().to_owned());
            if text(&config.token()) != text(&before) {
                return Ok(false);
            }
            config.set_token(Some(&token));
            config.set_network_id(Some(network_id.as_str()));
            file.save(&config)?;
            Ok(true)
        };
        let written = tokio::task::spawn_blocking(write).await;
        Ok(written.map_err(|error| RepairError::Fault(error.to_string()))??)
    }

    fn step(&self, step: Step) -> Result<(), RepairError> {
        match (self.after)(step) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(RepairError::CutOff(step)),
        }
    }
}

/// Where a repair stops before its end.
enum Stop {
    Outcome(RepairOutcome),
    Error(RepairError),
}

impl From<RepairOutcome> for Stop {
    fn from(outcome: RepairOutcome) -> Self {
        Self::Outcome(outcome)
    }
}

impl<E: Into<RepairError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Whether what stands in the configuration is no token of a node, so that nobody knows which one it had.
fn has_lost_its_token(account: &NodeAccount) -> bool {
    account.token.as_ref().is_none_or(|token| token::parse(token.expose_secret()) != Ok(TokenKind::Node))
}

fn blocked(reason: String, account: &NodeAccount) -> RepairOutcome {
    RepairOutcome::AuthBlocked { reason, hint: format!("anet login --hub {}", account.hub) }
}

/// What a refusal means that was no answer to the node's own token.
fn deny(denial: Denial) -> RepairOutcome {
    let reason = denial.reason;
    match denial.kind {
        DenialKind::Passing(retry_after) => RepairOutcome::Later { reason, retry_after },
        DenialKind::Unauthorized => RepairOutcome::AuthBlocked { reason, hint: "anet login".to_owned() },
        DenialKind::Forbidden | DenialKind::Refused(_) => {
            RepairOutcome::NeedsAttention { reason, hint: "`anet whoami` shows what your login reaches".to_owned() }
        }
    }
}

fn foreign(
    account: &NodeAccount,
    node_id: Option<&anet_protocol::id::NodeId>,
    network_id: Option<&anet_protocol::id::NetworkId>,
) -> RepairOutcome {
    let other = node_id.map_or("no node", |id| id.as_str());
    let network = network_id.map_or("no network", |id| id.as_str());
    RepairOutcome::NeedsAttention {
        reason: format!(
            "its token works, but for {other} in {network}, and its configuration says {} in {}",
            account.node_id,
            account.network_id.as_ref().map_or("an unnamed network", |id| id.as_str())
        ),
        hint: "was the directory copied? create the node anew with `anet node create`".to_owned(),
    }
}

async fn revoke(hub: &HubApi, login: &Login, token_id: &TokenId) {
    if let Err(denial) = hub.revoke(login.token.as_ref(), token_id).await {
        // The note stays, so the next repair tries again.
        tracing::warn!(token = %token_id, reason = denial.reason, "a token is not revoked yet");
    }
}
