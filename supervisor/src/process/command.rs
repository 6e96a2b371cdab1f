//! What is asked of the actor of a process.

use std::net::TcpListener;
use std::time::Duration;

use anet_protocol::control::{Desired, Requester, StartHub, StopRequest};
use tokio::sync::oneshot;

use crate::refusal::Refusal;

/// What a person asks of a process.
pub(crate) enum Command {
    /// Start it, forgetting every failure; for the hub with these settings.
    Start { hub: Option<StartHub>, by: Option<Requester>, reply: StartReply },
    /// Bring it down, and want this from now on.
    Stop { desired: Option<Desired>, asked: StopRequest, reply: oneshot::Sender<Result<bool, Refusal>> },
    /// Stop, then start.
    Restart { asked: StopRequest, reply: StartReply },
    /// Have it take no new task, and stop and start it once it has none in hand; given up after `patience`, and when
    /// whoever waits for the reply does so no more.
    Drain { patience: Option<Duration>, asked: StopRequest, reply: StartReply },
    /// Give a duplicate of the hub's listening socket, where one is held.
    HubListener { reply: oneshot::Sender<Option<TcpListener>> },
    /// Have it read its configuration again; nothing happens when it does not run.
    Reread,
    /// Take it out of the registry; refused while it runs.
    Forget { reply: oneshot::Sender<Result<(), Refusal>> },
}

/// The start that a request led to or found.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    pub(crate) instance: String,
    /// False when it was alive already.
    pub(crate) changed: bool,
}

/// Whoever asked for a start.
pub(super) type StartReply = oneshot::Sender<Result<Started, Refusal>>;
