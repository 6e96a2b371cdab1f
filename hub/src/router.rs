//! Every route on one line; the OpenAPI document comes from the same lines.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::RequestBodyDeadlineLayer;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Info, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{accounts, events, health, messages, nodes, refuse_method, refuse_panic, refuse_path, tasks, work};
use crate::hub::Hub;

/// What a body may hold, in general.
const BODY_BYTES: usize = 2 * 1024 * 1024;

/// A body with a result of 1 MiB, every byte of which JSON may have to write as `\u0000`.
const RESULT_BODY_BYTES: usize = 8 * 1024 * 1024;

fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(accounts::register))
        .routes(routes!(accounts::login))
        .routes(routes!(accounts::me))
        .routes(routes!(accounts::node_token))
        .routes(routes!(nodes::status))
        .routes(routes!(nodes::list))
        .routes(routes!(nodes::delete))
        .routes(routes!(tasks::send))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::get))
        .routes(routes!(tasks::get_from_list))
        .routes(routes!(tasks::cancel))
        .routes(routes!(tasks::events))
        .routes(routes!(messages::send))
        .routes(routes!(messages::list))
        .routes(routes!(work::register))
        .routes(routes!(work::report))
        .routes(routes!(work::claim))
        .routes(routes!(work::ack))
        .routes(routes!(work::renew))
        .merge(results())
        .routes(routes!(events::listen))
}

/// The routes that take results.
fn results() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .routes(routes!(work::reply))
        .routes(routes!(work::fail))
        .layer(DefaultBodyLimit::max(RESULT_BODY_BYTES))
}

/// The hub's routes as a service.
pub fn router(hub: Hub) -> Router {
    let body_timeout = hub.settings().body_timeout;
    let (router, _) = routes().split_for_parts();
    router
        .fallback(refuse_path)
        .method_not_allowed_fallback(refuse_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(RequestBodyDeadlineLayer::new(body_timeout))
        .layer(CatchPanicLayer::custom(refuse_panic))
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .with_state(hub)
}

/// The OpenAPI document of the routes.
pub fn openapi() -> OpenApi {
    let mut document = routes().into_openapi();
    document.info = Info::new("anet hub", "v3");
    let token = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    document.components.get_or_insert_default().add_security_scheme("token", token);
    document
}
