//! Every route on one line; the OpenAPI document comes from the same lines.

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Json, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::RequestBodyDeadlineLayer;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Info, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::edge::edge;
use crate::api::{
    accounts, admin, audit, events, health, invites, messages, networks, nodes, refuse_method, refuse_panic,
    refuse_path, renames, sessions, tasks, tokens, work,
};
use crate::hub::Hub;
use crate::settings::Settings;

/// What a body may hold, in general.
const BODY_BYTES: usize = 2 * 1024 * 1024;

/// A body with a result of 1 MiB, every byte of which JSON may have to write as `\u0000`.
const RESULT_BODY_BYTES: usize = 8 * 1024 * 1024;

fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(accounts::status))
        .routes(routes!(accounts::register))
        .routes(routes!(accounts::login))
        .routes(routes!(accounts::recover))
        .routes(routes!(accounts::me, accounts::edit))
        .routes(routes!(accounts::change_password))
        .routes(routes!(accounts::recovery_key))
        .routes(routes!(accounts::node_token))
        .routes(routes!(sessions::start))
        .routes(routes!(sessions::refresh))
        .routes(routes!(sessions::logout))
        .routes(routes!(sessions::ticket))
        .routes(routes!(sessions::list, sessions::revoke_all))
        .routes(routes!(sessions::revoke_others))
        .routes(routes!(sessions::revoke))
        .routes(routes!(tokens::list, tokens::create, tokens::revoke_all))
        .routes(routes!(tokens::revoke))
        .routes(routes!(networks::list, networks::create))
        .routes(routes!(invites::join))
        .routes(routes!(networks::show, networks::rename, networks::delete))
        .routes(routes!(networks::transfer))
        .routes(routes!(networks::leave))
        .routes(routes!(networks::members, networks::add_member))
        .routes(routes!(networks::change_role, networks::remove_member))
        .routes(routes!(invites::create))
        .routes(routes!(invites::list))
        .routes(routes!(invites::revoke))
        .routes(routes!(invites::create_for_hub, invites::list_of_hub))
        .routes(routes!(invites::revoke_of_hub))
        .routes(routes!(renames::prepare))
        .routes(routes!(renames::commit))
        .routes(routes!(renames::abort))
        .routes(routes!(admin::users))
        .routes(routes!(admin::reset))
        .routes(routes!(admin::unlock))
        .routes(routes!(admin::change_role))
        .routes(routes!(admin::registration, admin::set_registration))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(nodes::status))
        .routes(routes!(nodes::stats))
        .routes(routes!(nodes::streams))
        .routes(routes!(nodes::list))
        .routes(routes!(nodes::delete))
        .routes(routes!(tasks::send))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::get))
        .routes(routes!(tasks::get_from_list))
        .routes(routes!(tasks::cancel))
        .routes(routes!(tasks::events))
        .routes(routes!(messages::send))
        .routes(routes!(messages::broadcast))
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
        .route("/api/openapi.json", get(async || Json(openapi())))
        .fallback(refuse_path)
        .method_not_allowed_fallback(refuse_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(RequestBodyDeadlineLayer::new(body_timeout))
        .layer(CatchPanicLayer::custom(refuse_panic))
        .layer(cors(hub.settings()))
        .layer(from_fn_with_state(hub.clone(), edge))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(fixed(header::X_FRAME_OPTIONS, "DENY"))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .with_state(hub)
}

/// A header that every answer has.
fn fixed(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// What pages of other origins may do (commhub-http §3.8); the edge has refused those that are not on the list.
fn cors(settings: &Settings) -> CorsLayer {
    let origins = settings.cors_origins.iter().filter_map(|origin| origin.parse::<HeaderValue>().ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([header::RETRY_AFTER])
        .allow_credentials(true)
        .max_age(Duration::from_secs(86_400))
}

/// The OpenAPI document of the routes.
pub fn openapi() -> OpenApi {
    let mut document = routes().into_openapi();
    document.info = Info::new("anet hub", "v3");
    let token = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    document.components.get_or_insert_default().add_security_scheme("token", token);
    for path in document.paths.paths.values_mut() {
        let operations = [&mut path.get, &mut path.post, &mut path.put, &mut path.delete];
        for operation in operations.into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            // Every route may find the database unable, or the hub at its end.
            if let Some(refusal) = responses.get("4XX").cloned() {
                responses.insert("503".to_owned(), refusal);
            }
        }
    }
    document
}
