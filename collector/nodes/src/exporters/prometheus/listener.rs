//! Listens for scrapers, within bounds.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use collector_otlp::server::serve_http1;
use collector_pipeline::node::{Bound, NodeError, Started};
use futures_util::FutureExt;
use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::config::ListenerConfig;
use super::page::{Door, answer};
use super::shown::Shown;

/// From a connection's first byte to the end of a request's headers; idle connections end with it too, and a scraper
/// opens a new one.
const HEADERS_WITHIN: Duration = Duration::from_secs(90);
/// A TLS handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Replies under way at the end.
const FINISH_WITHIN: Duration = Duration::from_secs(5);
/// The wait after a failed accept: the usual cause, too many open files, does not pass at once.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Opens the listener and returns the work that serves it.
pub(super) async fn open(
    name: &str,
    config: ListenerConfig,
    shown: Arc<Shown>,
    stop: CancellationToken,
) -> Result<Started, NodeError> {
    let fault = |source| NodeError::Listen { addr: config.address, transport: "http", source };
    let listener = TcpListener::bind(config.address).await.map_err(fault)?;
    let addr = listener.local_addr().map_err(fault)?;
    if !addr.ip().is_loopback() && config.tokens.is_none() {
        let knows_scrapers = config.tls.as_ref().is_some_and(|tls| tls.knows_clients());
        if !knows_scrapers {
            tracing::warn!(exporter = name, %addr, "listening beyond this machine without authentication");
        }
    }
    let work = accept(listener, config, shown, stop).map(Ok).boxed();
    Ok(Started { bound: vec![Bound { transport: "http", addr }], work })
}

async fn accept(
    listener: TcpListener,
    config: ListenerConfig,
    shown: Arc<Shown>,
    stop: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(config.max_connections));
    let config = Arc::new(config);
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, next_connection(&listener).await)
        };
        let (slot, stream) = tokio::select! {
            next = next => next,
            Some(_) = connections.join_next() => continue,
            () = stop.cancelled() => break,
        };
        let (config, shown, stop) = (Arc::clone(&config), Arc::clone(&shown), stop.clone());
        connections.spawn(async move {
            converse(stream, &config, shown, stop).await;
            drop(slot);
        });
    }
    drop(listener);
    let rest = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(FINISH_WITHIN, rest).await.is_err() {
        tracing::debug!("scrapes under way were cut off");
    }
}

async fn next_connection(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "could not take a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn converse(
    stream: TcpStream,
    config: &ListenerConfig,
    shown: Arc<Shown>,
    stop: CancellationToken,
) {
    let Ok(local) = stream.local_addr().map(|addr| addr.ip()) else { return };
    let Some(tls) = &config.tls else { return serve(stream, local, config, shown, stop).await };
    match tokio::time::timeout(HANDSHAKE_WITHIN, tls.accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, local, config, shown, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "no TLS with a scraper"),
        Err(_) => tracing::debug!("a scraper did not end its TLS handshake"),
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    local: IpAddr,
    config: &ListenerConfig,
    shown: Arc<Shown>,
    stop: CancellationToken,
) {
    let door = Door { local, allowed_hosts: &config.allowed_hosts, tokens: config.tokens.as_ref() };
    let service = service_fn(|request| {
        let reply = answer(&request, &door, &shown);
        async move { Ok::<_, Infallible>(reply) }
    });
    let ended = serve_http1(stream, service, HEADERS_WITHIN, stop.cancelled()).await;
    if let Err(error) = ended {
        tracing::debug!(%error, "a scraper's connection ended badly");
    }
}
