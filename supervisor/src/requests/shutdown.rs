//! The end of the supervisor, and of its children if that is asked for. What is wanted of them stays
//! on record: the next supervisor starts again what was running.

use std::sync::Arc;

use anet_protocol::control::{ControlErrorCode, Requester, Shutdown, ShuttingDown, StopReason, StopRequest};
use axum::extract::State;
use axum::{Extension, Json};
use futures_util::future::join_all;

use super::input::Body;
use crate::refusal::Refusal;
use crate::registry::Registry;

pub(super) async fn shutdown(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    Body(asked): Body<Shutdown>,
) -> Result<Json<ShuttingDown>, Refusal> {
    let nodes = registry.all_nodes().into_iter().map(|node| node.handle);
    let mut handles: Vec<_> = nodes.collect();
    handles.push(registry.hub.clone());
    let asked_for = StopRequest { reason: StopReason::Shutdown, by: Some(by) };
    let (mut stopped, mut left_running) = (Vec::new(), Vec::new());
    if asked.stop_children {
        // The hub goes last, so that every node can say goodbye to it.
        let (hub, nodes) = (handles.len() - 1, ..handles.len() - 1);
        let mut outcomes = join_all(handles[nodes].iter().map(|handle| handle.stop(None, asked_for.clone()))).await;
        outcomes.push(handles[hub].stop(None, asked_for.clone()).await);
        let mut survivors = Vec::new();
        for (handle, outcome) in handles.iter().zip(outcomes) {
            match outcome {
                Ok(true) => stopped.push(handle.words.name.clone()),
                Ok(false) => {}
                Err(refusal) => survivors.push(refusal.0.error),
            }
        }
        if !survivors.is_empty() {
            return Err(Refusal::new(ControlErrorCode::StopFailed, survivors.join("; ")));
        }
    } else {
        let alive = handles.iter().filter(|handle| handle.snapshot().process.pid().is_some());
        left_running.extend(alive.map(|handle| handle.words.name.clone()));
    }
    // This answer is finished before the connection closes.
    registry.leave.cancel();
    Ok(Json(ShuttingDown { pid: std::process::id(), stopped, left_running }))
}
