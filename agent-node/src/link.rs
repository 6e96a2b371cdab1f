//! The node's link to the hub: register, open the event stream, read it, and again, for ever.

mod holder;
mod stream;

use std::sync::Arc;
use std::time::Instant;

use anet_protocol::exit_code::ExitCode;
use anet_protocol::notification::Link;
use anet_protocol::rest::{ErrorCode, RegisterNode};

use self::holder::Holder;
use secrecy::SecretString;
use tokio::sync::watch;

use crate::attempts::StopReason;
use crate::backoff::Backoff;
use crate::hub_client::{HubError, chain};
use crate::node::Node;

/// How often the same token is shown again before another one is waited for: a hub that has just come back, or a proxy
/// before it, may refuse a good one once.
const REFUSALS: u32 = 3;

/// Why a link broke.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// A call failed.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The stream failed.
    #[error(transparent)]
    Stream(#[from] stream::StreamError),
    /// Another call was answered 401: find out.
    #[error("the hub refused the token of another call")]
    TokenRefusedElsewhere,
    /// The token was replaced: a new stream is opened with the new one, before the hub closes the old one's.
    #[error("the token was replaced")]
    TokenReplaced,
}

/// Where the link stands between two connections.
pub(crate) struct Position {
    /// The last event that was read, to go on from.
    last_event_id: Option<String>,
    backoff: Backoff,
    /// How often the present token has been refused in a row.
    refusals: u32,
    /// Since when another instance has held the node.
    held_since: Option<Instant>,
}

/// Keeps the link up until the node has to end.
pub(crate) async fn run(node: Arc<Node>) -> ExitCode {
    let mut token = node.hub.token_changes();
    let mut position =
        Position { last_event_id: None, backoff: Backoff::new(&node.settings.timing), refusals: 0, held_since: None };
    loop {
        token.mark_unchanged();
        let error = match connect(&node, &mut position, &mut token.clone()).await {
            Ok(code) => return code,
            Err(error) => error,
        };
        node.connected.send_replace(false);
        if matches!(error, LinkError::TokenReplaced) {
            tracing::info!("the token was replaced, so the link is made anew");
            (position.refusals, position.backoff) = (0, Backoff::new(&node.settings.timing));
            continue;
        }
        if let Some(code) = judge(&node, &error, &mut position) {
            return code;
        }
        let wait = if position.refusals < REFUSALS {
            position.backoff.next(node.entropy.as_ref())
        } else {
            node.settings.timing.token_wait
        };
        tracing::info!(reason = chain(&error), ?wait, "no link to the hub");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            Ok(()) = token.changed() => {
                position.refusals = 0;
                position.backoff.reset();
            }
        }
    }
}

/// Registers and reads events until the link breaks (the error) or the node has to end (the code).
async fn connect(
    node: &Arc<Node>,
    position: &mut Position,
    token: &mut watch::Receiver<SecretString>,
) -> Result<ExitCode, LinkError> {
    register(node).await?;
    let (alias, instance_id) = (&node.settings.alias, &node.settings.instance_id);
    let response = node.hub.open_stream(alias, instance_id, position.last_event_id.as_deref()).await?;
    stream::read(node, response, position, token).await
}

async fn register(node: &Arc<Node>) -> Result<(), HubError> {
    let _session = node.session.lock().await;
    let settings = &node.settings;
    let registration = RegisterNode {
        node_id: settings.node_id.clone(),
        alias: settings.alias.clone(),
        instance_id: settings.instance_id.clone(),
        runtime: node.runtime.name().to_owned(),
        model: settings.model.clone(),
        hostname: settings.hostname.clone(),
        pid: settings.pid,
        project_dir: settings.project_dir.display().to_string(),
        version: settings.version.clone(),
        holding: node.attempts.holding(),
        previous: node.previous.clone(),
    };
    let registered = node.hub.register(&registration).await?;
    tracing::info!(holding = registration.holding.len(), lost = registered.lost.len(), "registered");
    node.agree(&registered);
    for attempt in &registered.lost {
        node.lose(attempt, StopReason::LeaseLost).await;
    }
    Ok(())
}

/// What a broken link means: an exit code, or `None` to try again.
fn judge(node: &Node, error: &LinkError, position: &mut Position) -> Option<ExitCode> {
    let reason = chain(error);
    let error = match error {
        LinkError::Hub(error) => error,
        LinkError::TokenReplaced => return None,
        LinkError::Stream(_) => {
            // A hub that ended this node's access closes the stream as one does that ends itself.
            node.notifier.disconnected(Link::Reconnecting, &reason);
            return None;
        }
        LinkError::TokenRefusedElsewhere => {
            node.notifier.disconnected(Link::Unauthorized, &reason);
            return None;
        }
    };
    if error.is_unauthorized() {
        node.notifier.disconnected(Link::Unauthorized, &reason);
        position.refusals += 1;
        return None;
    }
    position.refusals = 0;
    if error.code() != Some(ErrorCode::NodeAlreadyRunning) {
        position.held_since = None;
    }
    match error.code() {
        Some(ErrorCode::NodeAlreadyRunning) => held(node, &Holder::of(error), position),
        Some(ErrorCode::InstanceSuperseded) => Some(evicted(node, &reason)),
        Some(ErrorCode::NodeIdentityConflict) => {
            tracing::error!(reason, "this node id belongs to another node");
            node.notifier.failed(&reason);
            Some(ExitCode::ConfigInvalid)
        }
        // Any other refusal may pass: a role given back, a hub repaired.
        _ => {
            node.notifier.disconnected(Link::Unreachable, &reason);
            None
        }
    }
}

/// Another instance holds the node: one that may be dead is waited for, with a look every second, because the hub
/// finds out soon.
fn held(node: &Node, holder: &Holder, position: &mut Position) -> Option<ExitCode> {
    let held_since = *position.held_since.get_or_insert_with(Instant::now);
    // The hub has not yet seen that the dead one's connection is broken.
    let is_dead = holder.instance_id.as_ref().is_some_and(|run| node.previous.contains(run));
    let may_be_dead = holder.connected == Some(false) && held_since.elapsed() < node.settings.timing.holder_silence;
    if !is_dead && !may_be_dead {
        return Some(evicted(node, &format!("another instance of this node is alive: {holder}")));
    }
    position.backoff.reset();
    let status = format!("waiting until the hub gives up another instance of this node: {holder}");
    node.notifier.disconnected(Link::Unreachable, &status);
    None
}

fn evicted(node: &Node, reason: &str) -> ExitCode {
    tracing::error!(reason, "another instance holds this node");
    node.notifier.disconnected(Link::Superseded, reason);
    ExitCode::Evicted
}
