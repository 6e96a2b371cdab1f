//! The control API: every route, and the operation behind it. The table is in
//! [`anet_protocol::control`].

mod events;
mod fleet;
mod forget;
#[cfg(test)]
mod fuzz;
mod input;
mod logs;
mod record;
mod references;
mod register;
mod reload;
mod restart;
mod shutdown;
mod start;
mod status;
mod stop;
mod upgrade;
mod wait;

use std::sync::Arc;

use anet_protocol::control::{ControlErrorCode, Requester};
use axum::extract::{DefaultBodyLimit, State};
use axum::handler::Handler;
use axum::http::{Method, Uri};
use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::refusal::Refusal;
use crate::registry::Registry;

/// R56.
const LARGEST_BODY: usize = 1024 * 1024;

/// The routes of the owner.
pub(crate) fn router(registry: Arc<Registry>) -> Router {
    let changing = Router::new()
        .route("/v1/hub/start", post(start::hub))
        .route("/v1/hub/stop", post(stop::hub))
        .route("/v1/hub/restart", post(restart::hub))
        .route("/v1/nodes/{name}/start", post(start::node))
        .route("/v1/nodes/{name}/stop", post(stop::node))
        .route("/v1/nodes/{name}/restart", post(restart::node))
        .route("/v1/nodes/{name}/register", post(register::node))
        .route("/v1/nodes/{name}/forget", post(forget::node))
        .route("/v1/reload", post(reload::reload))
        .route("/v1/upgrade", post(upgrade::upgrade))
        .route("/v1/shutdown", post(shutdown::shutdown));
    let looking = Router::new().route("/v1/nodes/{name}/references", get(references::node));
    finish(changing, looking, unknown, registry)
}

/// The routes of operators (R55): nothing that would run what the owner has not made known, or other settings.
pub(crate) fn operators(registry: Arc<Registry>) -> Router {
    let changing = Router::new()
        .route("/v1/hub/stop", post(stop::hub))
        .route("/v1/hub/restart", post(restart::hub))
        .route("/v1/nodes/{name}/start", post(start::known_node))
        .route("/v1/nodes/{name}/stop", post(stop::node))
        .route("/v1/nodes/{name}/restart", post(restart::known_node));
    let looking = Router::new().route("/v1/nodes/{name}/references", get(references::known_node));
    finish(changing, looking, not_for_operators, registry)
}

/// Adds what everybody may look at, and the record of what was changed.
fn finish<T: 'static>(
    changing: Router<Arc<Registry>>,
    looking: Router<Arc<Registry>>,
    fallback: impl Handler<T, Arc<Registry>>,
    registry: Arc<Registry>,
) -> Router {
    changing
        .route_layer(axum::middleware::from_fn_with_state(Arc::clone(&registry), record::record))
        .merge(looking)
        // These write a line for each node.
        .route("/v1/fleet/start", post(fleet::start))
        .route("/v1/fleet/stop", post(fleet::stop))
        .route("/v1/status", get(status::supervisor))
        .route("/v1/hub", get(status::hub))
        .route("/v1/hub/logs", get(logs::hub))
        .route("/v1/nodes", get(status::nodes))
        .route("/v1/nodes/{name}", get(status::node))
        .route("/v1/nodes/{name}/logs", get(logs::node))
        .route("/v1/events", get(events::events))
        .route("/v1/plan", get(reload::plan))
        .fallback(fallback.clone())
        .method_not_allowed_fallback(fallback)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(registry)
}

async fn unknown(method: Method, uri: Uri) -> Refusal {
    Refusal::new(ControlErrorCode::InvalidInput, format!("there is no request {method} {}", uri.path()))
}

/// What the owner alone may ask.
async fn not_for_operators(
    State(registry): State<Arc<Registry>>,
    Extension(by): Extension<Requester>,
    method: Method,
    uri: Uri,
) -> Refusal {
    let me = nix::unistd::geteuid();
    let error = format!(
        "permission denied (EACCES): uid {} is an operator of uid {me}'s supervisor, and {method} {} is for uid {me} alone",
        by.uid,
        uri.path()
    );
    if method != Method::GET {
        record::refused(registry, by, uri.path(), &error);
    }
    Refusal::new(ControlErrorCode::Forbidden, error)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    const PAGE: &str = include_str!("../../docs/control-api.md");

    #[test]
    fn the_page_on_the_control_api_has_every_route_and_no_other() {
        let source = include_str!("requests.rs");
        let (router, _) = source.split_once("#[cfg(test)]\nmod tests").unwrap();
        let served = router.split(".route(").skip(1).map(|route| {
            let (path, method) = route.trim_start().split_once(',').unwrap();
            let method = if method.trim_start().starts_with("get") { "GET" } else { "POST" };
            format!("{method} {}", path.trim_matches('"'))
        });
        let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let told = rows.map(|(route, _)| route.to_owned()).filter(|route| route.contains(" /v1/"));
        assert_eq!(told.collect::<BTreeSet<_>>(), served.collect::<BTreeSet<_>>(), "docs/control-api.md is stale");
    }

    #[test]
    fn the_page_on_the_control_api_has_every_code_with_its_status() {
        let source = include_str!("../../protocol/src/control/error.rs");
        let (_, variants) = source.split_once("pub enum ControlErrorCode {").unwrap();
        let (variants, _) = variants.split_once('}').unwrap();
        for name in variants.lines().map(str::trim).filter(|line| line.ends_with(',')) {
            let name = name.trim_end_matches(',');
            let mut word = String::new();
            for letter in name.chars() {
                if letter.is_ascii_uppercase() && !word.is_empty() {
                    word.push('_');
                }
                word.push(letter.to_ascii_lowercase());
            }
            let code: anet_protocol::control::ControlErrorCode = serde_json::from_value(word.clone().into()).unwrap();
            let row = format!("| `{word}` | {} |", code.http_status());
            assert!(PAGE.contains(&row), "docs/control-api.md lacks: {row}");
        }
    }
}
