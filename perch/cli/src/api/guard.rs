//! What is refused before any route is looked at.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};

use crate::api::text::problem;

/// Puts the guard before `routes`, and an answer to whatever is none of them.
pub(super) fn guarded<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    let nothing = || async { problem(StatusCode::NOT_FOUND, "there is nothing here") };
    routes.fallback(nothing).layer(from_fn(guard))
}

/// Refuses foreign hosts and methods that change something; adds the headers of every reply.
async fn guard(request: Request, next: Next) -> Response {
    let mut reply = match refusal(request.method(), request.uri(), request.headers()) {
        Some(reply) => reply,
        None => next.run(request).await,
    };
    let headers = reply.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    reply
}

fn refusal(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let host = uri.host().map(str::to_owned).or_else(|| {
        let named = headers.get(header::HOST)?.to_str().ok()?;
        Some(without_port(named).to_owned())
    });
    if !host.is_some_and(|host| is_ours(&host)) {
        let detail = "this API answers to localhost and loopback addresses only";
        return Some(problem(StatusCode::MISDIRECTED_REQUEST, detail));
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut reply = problem(StatusCode::METHOD_NOT_ALLOWED, "this API is for reading");
        let allowed = header::HeaderValue::from_static("GET, HEAD");
        reply.headers_mut().insert(header::ALLOW, allowed);
        return Some(reply.into_response());
    }
    None
}

/// `localhost` or a loopback address.
fn is_ours(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_ours() {
        for host in
            ["localhost", "LOCALHOST:8888", "127.0.0.1:8888", "127.0.0.2", "[::1]:8888", "[::1]"]
        {
            assert!(is_ours(without_port(host)), "{host}");
        }
        for host in [
            "",
            "example.org",
            "example.org:8888",
            "localhost.example.org",
            "10.0.0.1",
            "127.0.0.1.nip.io",
            "0.0.0.0",
        ] {
            assert!(!is_ours(without_port(host)), "{host}");
        }
    }
}
