//! Starting or stopping several nodes that are known; answered when that is proven of each, or refused.

use std::sync::Arc;

use anet_protocol::control::{ChangeFleet, ChangeNode, FleetChanged, MemberChanged, Requester};
use axum::extract::State;
use axum::{Extension, Json};
use futures_util::future::join_all;

use super::input::Body;
use super::record::Line;
use super::{start, stop};
use crate::refusal::Refusal;
use crate::registry::Registry;

#[derive(Clone, Copy, Debug)]
enum Verb {
    Start,
    Stop,
}

pub(super) async fn start(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    Body(change): Body<ChangeFleet>,
) -> Json<FleetChanged> {
    each(&registry, &by, Verb::Start, &change).await
}

pub(super) async fn stop(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    Body(change): Body<ChangeFleet>,
) -> Json<FleetChanged> {
    each(&registry, &by, Verb::Stop, &change).await
}

async fn each(registry: &Arc<Registry>, by: &Requester, verb: Verb, change: &ChangeFleet) -> Json<FleetChanged> {
    let members = change
        .nodes
        .iter()
        .map(|member| one(Arc::clone(registry), by.clone(), verb, member.name.clone(), change.of(member)));
    Json(FleetChanged { nodes: join_all(members).await })
}

/// Each has a line of its own in the audit log.
async fn one(registry: Arc<Registry>, by: Requester, verb: Verb, name: String, change: ChangeNode) -> MemberChanged {
    let action = match verb {
        Verb::Start => "start",
        Verb::Stop => "stop",
    };
    let mut line = Line::new(Arc::clone(&registry), by.clone(), action, Some(&name));
    let outcome: Result<bool, Refusal> = async {
        let node = registry.find(&name, &change.target())?;
        line.meant.is(&node);
        match verb {
            Verb::Start => start::start(&node, &change, by).await,
            Verb::Stop => stop::stop(&node, &change, by).await,
        }
    }
    .await;
    let refusal = outcome.as_ref().err().map(|refusal| (*refusal.0).clone());
    line.ends_with(refusal.as_ref());
    MemberChanged { name, changed: outcome.unwrap_or(false), refusal }
}
