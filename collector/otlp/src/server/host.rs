//! Which `Host` an HTTP request may name: a browser tricked by DNS rebinding names somebody else's.

use std::net::IpAddr;

use http::header::HOST;

/// Whether the request names loopback, the address it came in on, or one of `allowed`.
pub(super) fn is_ours<B>(request: &http::Request<B>, local: IpAddr, allowed: &[String]) -> bool {
    let authority = request
        .uri()
        .authority()
        .map(|authority| authority.as_str())
        .or_else(|| request.headers().get(HOST)?.to_str().ok());
    authority.is_some_and(|authority| names_us(authority, local, allowed))
}

/// Whether `authority` is loopback, the address `local` that a connection came in on, or one of `allowed`.
#[must_use]
pub fn names_us(authority: &str, local: IpAddr, allowed: &[String]) -> bool {
    let Some(host) = host_of(authority) else { return false };
    if let Ok(address) = host.parse::<IpAddr>() {
        return address.is_loopback()
            || address == local
            || allowed.iter().any(|name| name == host);
    }
    host.eq_ignore_ascii_case("localhost")
        || allowed.iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// The host without port and brackets; `None` when it is neither.
fn host_of(authority: &str) -> Option<&str> {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = rest.strip_prefix(':').unwrap_or(rest);
    port.bytes().all(|digit| digit.is_ascii_digit()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_own_address_and_allowed_names_are_ours() {
        let local = "192.0.2.7".parse().unwrap();
        let allowed = ["collector.perch-system.svc".to_owned()];
        for host in [
            "localhost",
            "LOCALHOST:4318",
            "127.0.0.1:4318",
            "127.8.8.8",
            "[::1]:4318",
            "192.0.2.7:4318",
            "collector.perch-system.svc:4318",
        ] {
            assert!(names_us(host, local, &allowed), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "192.0.2.8",
            "[::1",
            "localhost:80@evil.example",
            "evil.example:localhost",
        ] {
            assert!(!names_us(host, local, &allowed), "{host}");
        }
    }
}
