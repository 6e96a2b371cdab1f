//! Where the values of a node's references stand. The values are told to nobody.

use std::sync::Arc;

use anet_protocol::control::{NodeTarget, References};
use axum::Json;
use axum::extract::State;

use super::input::{NodeName, Options};
use crate::launch::NodeProgram;
use crate::refusal::Refusal;
use crate::registry::Registry;

/// Of a node that was never started too, if the project is given: what the first start would find.
pub(super) async fn node(
    State(registry): State<Arc<Registry>>,
    NodeName(name): NodeName,
    Options(target): Options<NodeTarget>,
) -> Result<Json<References>, Refusal> {
    answer(&registry, &registry.find_program(&name, &target)?)
}

/// As [`node`], of one that is known already.
pub(super) async fn known_node(
    State(registry): State<Arc<Registry>>,
    NodeName(name): NodeName,
    Options(target): Options<NodeTarget>,
) -> Result<Json<References>, Refusal> {
    answer(&registry, &registry.find(&name, &target)?.program)
}

fn answer(registry: &Registry, program: &NodeProgram) -> Result<Json<References>, Refusal> {
    let references = program.references(&registry.context).map_err(|error| error.refusal())?;
    Ok(Json(References { references }))
}
