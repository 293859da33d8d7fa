//! One server span, one count and one duration per request; problems get their trace id and instance here.
//!
//! # Invariants
//! 1. The labels `route`, `method` and `status` are bounded: route templates, known methods, status codes.
//! 2. Probes, scrapes, the page's files and the browser's own telemetry are counted, but make no span.

use std::panic::AssertUnwindSafe;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use nestr_telemetry::names::{attr, span};
use opentelemetry::trace::Status;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::app::Shared;
use crate::problem::{Code, Problem};

/// The outermost middleware.
pub(crate) async fn trace(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let started = app.clock.monotonic();
    let method = request.method().clone();
    let route = route_label(&request);
    let path = request.uri().path().to_owned();
    let span = match route.as_deref().filter(|route| is_traced(route)) {
        Some(route) => server_span(&request, route),
        None => Span::none(),
    };
    let replied = AssertUnwindSafe(next.run(request)).catch_unwind();
    let response = replied.instrument(span.clone()).await.unwrap_or_else(|_| {
        let problem = Problem::new(Code::Internal, "the request could not be served");
        span.in_scope(|| tracing::error!(route, %method, "a request handler panicked"));
        problem.into_response()
    });
    let response = complete_problem(response, &span, path);
    let status = response.status();
    span.set_attribute(attr::HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16()));
    if status.is_server_error() {
        span.set_status(Status::error(status.canonical_reason().unwrap_or_default()));
    }
    let elapsed = app.clock.monotonic().saturating_sub(started);
    app.instruments.http_request(route.as_deref(), method.as_str(), status.as_u16(), elapsed);
    response
}

fn server_span(request: &Request, route: &str) -> Span {
    let method = method_word(request.method());
    let name = span::HTTP_SERVER.replace("{method}", method).replace("{route}", route);
    let span = tracing::info_span!("http.server", otel.name = name, otel.kind = "server");
    nestr_telemetry::adopt(&span, request.headers());
    span.set_attribute(attr::HTTP_REQUEST_METHOD, method);
    span.set_attribute(attr::HTTP_ROUTE, route.to_owned());
    span.set_attribute(attr::URL_PATH, request.uri().path().to_owned());
    span.set_attribute(attr::URL_SCHEME, "http");
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(agent) = text(header::USER_AGENT) {
        span.set_attribute(attr::USER_AGENT_ORIGINAL, agent.to_owned());
    }
    if let Some(host) = text(header::HOST) {
        let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
        span.set_attribute(attr::SERVER_ADDRESS, name.to_owned());
        if let Ok(port) = port.parse::<u16>() {
            span.set_attribute(attr::SERVER_PORT, i64::from(port));
        }
    }
    span
}

/// Fills what only the outermost layer knows into a problem and renders it anew.
fn complete_problem(mut response: Response, span: &Span, path: String) -> Response {
    let Some(mut problem) = response.extensions_mut().remove::<Problem>() else { return response };
    problem.instance.get_or_insert(path.into());
    problem.trace_id =
        problem.trace_id.or_else(|| nestr_telemetry::trace_id_of(span).map(Into::into));
    span.set_attribute(attr::ERROR_TYPE, problem.code.slug());
    let mut rendered = problem.render();
    for (name, value) in response.headers() {
        if !rendered.headers().contains_key(name) && name != header::CONTENT_LENGTH {
            rendered.headers_mut().insert(name.clone(), value.clone());
        }
    }
    rendered
}

fn is_traced(route: &str) -> bool {
    route.starts_with("/api/") && !route.starts_with("/api/telemetry/") || route == "/ws"
}

/// The method as part of a span's name, which stays bounded.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "HTTP",
    }
}

/// The route template in the form of the API's description: `{*path}` reads `{path}`.
fn route_label(request: &Request) -> Option<String> {
    request.extensions().get::<MatchedPath>().map(|path| path.as_str().replace("{*", "{"))
}
