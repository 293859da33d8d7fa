//! Host names this Engine answers to, so that a foreign page cannot reach it by rebinding a name of its own.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::serve::LocalAddress;
use crate::problem::{Code, Problem};

/// The names: loopback's, the configured ones, and the address a connection came in by.
#[derive(Debug, Clone)]
pub(crate) struct Hosts {
    configured: Arc<[String]>,
}

impl Hosts {
    pub(crate) fn new(allowed: &[String]) -> Self {
        Self { configured: allowed.iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    /// Whether `authority`, a name or address with or without port, is ours.
    pub(crate) fn accept(&self, authority: &str, local: Option<SocketAddr>) -> bool {
        // `Authority` takes user information, which has no place in a host.
        if authority.contains('@') {
            return false;
        }
        let Ok(authority) = authority.parse::<Authority>() else { return false };
        let host = authority.host().to_ascii_lowercase();
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&host);
        match bare.parse::<IpAddr>() {
            Ok(ip) if ip.is_loopback() => true,
            Ok(ip) => {
                local.is_some_and(|local| local.ip().to_canonical() == ip.to_canonical())
                    || self.configured.iter().any(|name| name == bare)
            }
            Err(_) => host == "localhost" || self.configured.contains(&host),
        }
    }

    /// Whether a browser's `Origin`, where there is one, is ours.
    pub(crate) fn accept_origin(&self, headers: &HeaderMap, local: Option<SocketAddr>) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        origin
            .to_str()
            .ok()
            .and_then(|text| text.split_once("://"))
            .is_some_and(|(_, authority)| self.accept(authority, local))
    }
}

/// Middleware that refuses requests meant for somebody else.
pub(crate) async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let local = request.extensions().get::<LocalAddress>().map(|local| local.0);
    let mut named = request.headers().get_all(header::HOST).iter();
    let host = match (named.next(), named.next()) {
        (Some(value), None) => value.to_str().unwrap_or_default(),
        _ => "",
    };
    // A request line in absolute form overrides the header (RFC 9112, 3.2.2).
    let host = request.uri().authority().map_or(host, Authority::as_str);
    if hosts.accept(host, local) {
        return next.run(request).await;
    }
    Problem::new(Code::MisdirectedHost, "the Host header does not name this Engine").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_loopback_configured_names_and_its_own_address() {
        let hosts = Hosts::new(&["Nestr.example".to_owned()]);
        let local = Some("10.1.2.3:8080".parse().unwrap());
        let ours = [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
            "nestr.example",
            "NESTR.EXAMPLE:443",
            "10.1.2.3:8080",
            "10.1.2.3",
        ];
        for host in ours {
            assert!(hosts.accept(host, local), "{host}");
        }
        let foreign = [
            "",
            "evil.example",
            "localhost.evil.example",
            "evil-localhost",
            "10.1.2.4",
            "user@localhost",
            "localhost@evil.example",
            "nestr.example.",
            "127.0.0.1.evil.example",
            "[::2]",
            "localhost evil",
            "a/b",
        ];
        for host in foreign {
            assert!(!hosts.accept(host, local), "{host}");
        }
        assert!(!hosts.accept("10.1.2.3", None));
    }

    #[test]
    fn an_origin_is_judged_by_its_host() {
        let hosts = Hosts::new(&[]);
        let with = |origin: &str| HeaderMap::from_iter([(header::ORIGIN, origin.parse().unwrap())]);
        assert!(hosts.accept_origin(&HeaderMap::new(), None));
        assert!(hosts.accept_origin(&with("http://localhost:5173"), None));
        assert!(!hosts.accept_origin(&with("https://evil.example"), None));
        assert!(!hosts.accept_origin(&with("null"), None));
    }
}
