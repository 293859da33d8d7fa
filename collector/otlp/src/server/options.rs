//! What a server listens on and what it bears.

use std::net::SocketAddr;
use std::time::Duration;

use crate::admission::Budget;
use crate::tls::ServerTls;
use crate::{BearerTokens, Limits};

/// Options of the OTLP servers.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where gRPC listens; `None` leaves it off. Port 0 picks a free one.
    pub grpc: Option<SocketAddr>,
    /// Where HTTP listens; `None` leaves it off. Port 0 picks a free one.
    pub http: Option<SocketAddr>,
    /// TLS on both listeners; `None` is plain text.
    pub tls: Option<ServerTls>,
    /// Tokens of which a request must bear one; `None` asks for none.
    pub tokens: Option<BearerTokens>,
    /// Names besides loopback's and the server's own address that an HTTP `Host` may have, without port.
    pub allowed_hosts: Vec<String>,
    /// Bounds on a request.
    pub limits: Limits,
    /// Memory that requests may hold from their headers to their reply. A clone is the same budget: several
    /// servers of one process share one.
    pub budget: Budget,
    /// Connections per listener; more wait in the kernel's backlog.
    pub max_connections: usize,
    /// Requests at a time on one HTTP/2 connection.
    pub max_streams: u32,
    /// Bytes of a request's headers.
    pub max_header_bytes: u32,
    /// Time from connecting to the end of the first request's headers.
    pub header_timeout: Duration,
    /// Time from a request's headers to the end of its body.
    pub body_timeout: Duration,
    /// Time a connection may stand without a request. Longer than the minute at which SDKs export metrics.
    pub idle_timeout: Duration,
    /// Time that requests in flight get when the server stops.
    pub drain_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            grpc: None,
            http: None,
            tls: None,
            tokens: None,
            allowed_hosts: Vec::new(),
            limits: Limits::default(),
            budget: Budget::default(),
            max_connections: 1024,
            max_streams: 128,
            max_header_bytes: 16 * 1024,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(300),
            drain_timeout: Duration::from_secs(10),
        }
    }
}
