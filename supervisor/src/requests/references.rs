//! Where the values of a node's references stand. The values are told to nobody.

use std::sync::Arc;

use anet_protocol::control::{NodeTarget, References};
use axum::Json;
use axum::extract::State;

use super::input::{NodeName, Options};
use crate::refusal::Refusal;
use crate::registry::Registry;

pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    NodeName(name): NodeName,
    Options(target): Options<NodeTarget>,
) -> Result<Json<References>, Refusal> {
    let node = registry.find(&name, &target)?;
    let references = node.program.references(&registry.context).map_err(|error| error.refusal())?;
    Ok(Json(References { references }))
}
