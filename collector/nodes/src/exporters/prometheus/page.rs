//! What a request is answered.

use std::net::IpAddr;

use bytes::Bytes;
use collector_otlp::BearerTokens;
use collector_otlp::server::names_us;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;

use super::shown::Shown;

/// Who may come in.
pub(super) struct Door<'a> {
    /// The address the connection came in on.
    pub(super) local: IpAddr,
    pub(super) allowed_hosts: &'a [String],
    pub(super) tokens: Option<&'a BearerTokens>,
}

/// The page, or why not.
pub(super) fn answer<B>(
    request: &Request<B>,
    door: &Door<'_>,
    shown: &Shown,
) -> Response<Full<Bytes>> {
    let reply = match refusal(request, door) {
        Some(reply) => reply,
        None => {
            let accept: Vec<&str> =
                request.headers().get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok()).collect();
            let (kind, page) = shown.page(&accept.join(","));
            let mut reply = Response::new(Full::new(Bytes::from(page)));
            reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            reply
        }
    };
    shown.meters.scraped(reply.status().as_str());
    reply
}

fn refusal<B>(request: &Request<B>, door: &Door<'_>) -> Option<Response<Full<Bytes>>> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(|a| a.as_str()).or(host);
    if !authority.is_some_and(|a| names_us(a, door.local, door.allowed_hosts)) {
        return Some(said(StatusCode::MISDIRECTED_REQUEST, "this host is not served here\n"));
    }
    if door.tokens.is_some_and(|tokens| !tokens.admit(request.headers())) {
        let mut reply = said(StatusCode::UNAUTHORIZED, "a bearer token is wanted\n");
        reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return Some(reply);
    }
    if request.uri().path() != "/metrics" {
        return Some(said(StatusCode::NOT_FOUND, "metrics are at /metrics\n"));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut reply = said(StatusCode::METHOD_NOT_ALLOWED, "metrics are for reading\n");
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some(reply);
    }
    None
}

fn said(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    reply
}
