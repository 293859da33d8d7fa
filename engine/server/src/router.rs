//! All routes, and the description that is generated from them.

use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, http};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::Shared;
use crate::http::{headers, hosts, limits, trace};
use crate::problem::{Code, Problem};
use crate::{auth, browser, events, openapi, operations, pellets, perch, system, web};

/// The main listener's routes.
pub(crate) fn main(app: &Shared) -> Router {
    let telemetry = telemetry_routes().layer(DefaultBodyLimit::max(limits::TELEMETRY_BODY_BYTES));
    let private = private_routes()
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .merge(telemetry)
        .layer(from_fn_with_state(app.clone(), auth::require_token))
        .layer(from_fn(limits::time_out));
    let (router, api) = public_routes().merge(private).split_for_parts();
    let description = bytes::Bytes::from(openapi::render(openapi::complete(api)));
    let router = router
        .route("/api/openapi.json", get(move || described(description.clone())))
        .fallback(web::serve_page)
        .method_not_allowed_fallback(method_not_allowed);
    guard(router, app)
}

/// The metrics listener's one route.
pub(crate) fn metrics(app: &Shared) -> Router {
    let router = Router::new()
        .route("/metrics", get(system::exposition))
        .route("/healthz", get(system::health))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed);
    guard(router, app)
}

/// The description of this server's API as committed text.
#[must_use]
pub fn openapi_json() -> String {
    let routes = public_routes().merge(private_routes()).merge(telemetry_routes());
    openapi::render(openapi::complete(routes.into_openapi()))
}

/// Routes that need no token, or judge the caller themselves.
fn public_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(system::health))
        .routes(routes!(system::readiness))
        .routes(routes!(system::version))
        .routes(routes!(system::metrics))
        .routes(routes!(events::watch_events))
}

fn private_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(pellets::compress_pellet))
        .routes(routes!(pellets::list_pellets))
        .routes(routes!(pellets::show_pellet, pellets::delete_pellet))
        .routes(routes!(pellets::list_pellet_entries))
        .routes(routes!(pellets::diff_pellets))
        .routes(routes!(pellets::restore_pellet))
        .routes(routes!(pellets::verify_pellet))
        .routes(routes!(pellets::collect_pellets))
        .routes(routes!(operations::show_operation))
        .routes(routes!(operations::cancel_operation))
        .routes(routes!(auth::create_ws_ticket))
        .routes(routes!(events::list_events))
        .route("/api/perch/{*path}", get(perch::ask_perch))
}

fn telemetry_routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(browser::relay_traces)).routes(routes!(browser::relay_logs))
}

/// What surrounds every route, from the inside out.
fn guard(router: Router<Shared>, app: &Shared) -> Router {
    router
        .layer(from_fn_with_state(app.hosts.clone(), hosts::check))
        .layer(from_fn(headers::secure))
        .layer(from_fn_with_state(app.clone(), trace::trace))
        .with_state(app.clone())
}

async fn described(description: bytes::Bytes) -> Response {
    let json = http::HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], description).into_response()
}

async fn not_found() -> Problem {
    Problem::new(Code::NotFound, "there is no such route")
}

async fn method_not_allowed() -> Problem {
    Problem::new(Code::MethodNotAllowed, "this route does not take that method")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_description_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let generated = openapi_json();
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(path, &generated).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(
            committed == generated,
            "run `UPDATE_OPENAPI=1 cargo test -p nestr-server description`"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let api: serde_json::Value = serde_json::from_str(&openapi_json()).unwrap();
        fn walk<'a>(value: &'a serde_json::Value, found: &mut Vec<&'a str>) {
            match value {
                serde_json::Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(|r| r.as_str()));
                    fields.values().for_each(|v| walk(v, found));
                }
                serde_json::Value::Array(items) => items.iter().for_each(|v| walk(v, found)),
                _ => {}
            }
        }
        let mut references = Vec::new();
        walk(&api, &mut references);
        assert!(references.len() > 10);
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(api.pointer(pointer).is_some(), "{reference}");
        }
    }
}
