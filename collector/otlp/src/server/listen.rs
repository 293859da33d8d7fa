//! Binding the listeners, taking connections, and stopping.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::buffers::Buffers;
use super::connection::{self, Protocol};
use super::options::ServerOptions;
use super::shared::Shared;
use super::sink::Sink;

/// Listeners that are bound and not yet served.
#[derive(Debug)]
pub struct Bound {
    options: ServerOptions,
    grpc: Option<TcpListener>,
    http: Option<TcpListener>,
}

/// Binds the listeners the options name; fails with the address in the error's text.
pub async fn bind(options: ServerOptions) -> io::Result<Bound> {
    let grpc = listen(options.grpc).await?;
    let http = listen(options.http).await?;
    Ok(Bound { options, grpc, http })
}

async fn listen(address: Option<SocketAddr>) -> io::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
    TcpListener::bind(address).await.map(Some).map_err(named)
}

impl Bound {
    /// Where gRPC listens.
    pub fn grpc_addr(&self) -> Option<SocketAddr> {
        self.grpc.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Where HTTP listens.
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until `shutdown` ends, then lets requests in flight finish within `drain_timeout`.
    pub async fn serve<S: Sink>(self, sink: Arc<S>, shutdown: impl Future<Output = ()> + Send) {
        let buffers = Buffers::under(self.options.budget.marks());
        let shared = Arc::new(Shared { sink, options: self.options, buffers });
        let (stop, stopped) = watch::channel(false);
        let mut loops = JoinSet::new();
        for (listener, protocol) in [(self.grpc, Protocol::Grpc), (self.http, Protocol::Http)] {
            if let Some(listener) = listener {
                loops.spawn(accept(shared.clone(), protocol, listener, stopped.clone()));
            }
        }
        shutdown.await;
        stop.send_replace(true);
        while loops.join_next().await.is_some() {}
    }
}

async fn accept<S: Sink>(
    shared: Arc<Shared<S>>,
    protocol: Protocol,
    listener: TcpListener,
    stop: watch::Receiver<bool>,
) {
    let slots = Arc::new(Semaphore::new(shared.options.max_connections));
    let mut connections = JoinSet::new();
    let mut stopping = stop.clone();
    loop {
        let next = async {
            let slot = slots.clone().acquire_owned().await;
            (slot, next_connection(&listener).await)
        };
        let (slot, (stream, local)) = tokio::select! {
            next = next => next,
            Some(ended) = connections.join_next() => {
                note_end(ended);
                continue;
            }
            _ = stopping.wait_for(|stopped| *stopped) => break,
        };
        let (shared, stop) = (shared.clone(), stop.clone());
        connections.spawn(async move {
            connection::serve(shared, protocol, stream, local, stop).await;
            drop(slot);
        });
    }
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        note_end(ended);
    }
}

fn note_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task panicked");
    }
}

async fn next_connection(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        let taken = listener.accept().await.and_then(|(stream, _)| {
            stream.set_nodelay(true)?;
            let local = stream.local_addr()?.ip();
            Ok((stream, local))
        });
        match taken {
            Ok(taken) => return taken,
            Err(error) => {
                // Out of descriptors: a short rest, or this loop would take the whole processor.
                tracing::warn!(%error, "could not take a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
