//! The JSON of the hub's REST API, as upstream's clients know it (commhub-http §0–§1).
//!
//! Every answer carries `ok`; the types here hold what stands beside it, and [`Success`] adds it.

mod account;
mod admin;
mod error;
mod health;
mod message;
mod network;
mod node;
mod session;
mod task;
mod work;

use serde::{Deserialize, Serialize};

pub use account::*;
pub use admin::*;
pub use error::*;
pub use health::*;
pub use message::*;
pub use network::*;
pub use node::*;
pub use session::*;
pub use task::*;
pub use work::*;

/// A successful answer: `{"ok":true, …body}`.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Success<T> {
    /// Always true.
    pub ok: bool,
    /// What was asked for.
    #[serde(flatten)]
    pub body: T,
}

impl<T> Success<T> {
    /// Wraps an answer.
    pub const fn new(body: T) -> Self {
        Self { ok: true, body }
    }
}

/// A page's worth of a list: where the next page begins.
///
/// Pages are cut by key, not by offset, so rows that arrive meanwhile neither repeat nor hide others.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PageEnd {
    /// Pass as `cursor` to get the page after this one; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
