//! One connection: served until it ends, stands idle too long, or the server stops.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::options::ServerOptions;
use super::shared::Shared;
use super::sink::Sink;
use super::{grpc, http};

/// Time a connection gets to end by itself once it was told to.
const GOODBYE: Duration = Duration::from_secs(5);

/// Which transport a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Grpc,
    Http,
}

impl Protocol {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
        }
    }
}

/// Serves `stream` to its end; `stop` turning true lets requests in flight finish.
pub(super) async fn serve<S: Sink>(
    shared: Arc<Shared<S>>,
    protocol: Protocol,
    stream: TcpStream,
    local: IpAddr,
    mut stop: watch::Receiver<bool>,
) {
    let Some(tls) = shared.options.tls.clone() else {
        return converse(shared, protocol, stream, local, stop).await;
    };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(shared.options.header_timeout, tls.accept(stream)) => shaken,
        _ = stop.wait_for(|stopped| *stopped) => return,
    };
    match shaken {
        Ok(Ok(stream)) => converse(shared, protocol, stream, local, stop).await,
        Ok(Err(error)) => {
            tracing::debug!(%error, protocol = protocol.name(), "no TLS with a sender");
        }
        Err(_) => {
            tracing::debug!(protocol = protocol.name(), "a sender did not end its TLS handshake")
        }
    }
}

async fn converse<S: Sink>(
    shared: Arc<Shared<S>>,
    protocol: Protocol,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    local: IpAddr,
    mut stop: watch::Receiver<bool>,
) {
    let activity = Arc::new(Activity::new(&shared.options));
    let service = service_fn(|request| {
        let (shared, busy) = (shared.clone(), Busy::new(activity.clone()));
        async move {
            let response = match protocol {
                Protocol::Grpc => grpc::handle(&shared, request).await,
                Protocol::Http => http::handle(&shared, local, request).await,
            };
            drop(busy);
            Ok::<_, Infallible>(response)
        }
    });
    let builder = builder(protocol, &shared.options);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut leave_at = None;
    loop {
        let wake_at = leave_at.unwrap_or_else(|| activity.deadline());
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(error, protocol = protocol.name(), "connection ended badly");
                }
                return;
            }
            () = tokio::time::sleep_until(wake_at) => {
                if leave_at.is_some() {
                    return;
                }
                if activity.deadline() <= Instant::now() {
                    connection.as_mut().graceful_shutdown();
                    leave_at = Some(Instant::now() + GOODBYE);
                }
            }
            _ = stop.wait_for(|stopped| *stopped), if leave_at.is_none() => {
                connection.as_mut().graceful_shutdown();
                leave_at = Some(Instant::now() + shared.options.drain_timeout);
            }
        }
    }
}

/// Bytes of a frame that a sender may use. With the least that HTTP/2 allows, a request of usual size is some
/// twenty frames, and each costs a look at the connection and a call of the system on both sides. What is read
/// ahead stays bounded by the windows.
const MAX_FRAME: u32 = 256 * 1024;

fn builder(protocol: Protocol, options: &ServerOptions) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    if protocol == Protocol::Grpc {
        builder = builder.http2_only();
    }
    builder.http1().max_buf_size((options.max_header_bytes as usize).max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_frame_size(MAX_FRAME)
        .max_concurrent_streams(options.max_streams)
        .max_header_list_size(options.max_header_bytes);
    builder
}

/// Whether a connection is doing anything, and since when it is not.
///
/// hyper's own header time-out runs between requests of a kept-alive connection as well, which would cut
/// every SDK that exports once a minute; so the first request gets the short time and the rest the long one.
struct Activity {
    state: Mutex<State>,
    header_timeout: Duration,
    idle_timeout: Duration,
}

struct State {
    n_in_flight: usize,
    served_any: bool,
    since: Instant,
}

impl Activity {
    fn new(options: &ServerOptions) -> Self {
        Self {
            state: Mutex::new(State { n_in_flight: 0, served_any: false, since: Instant::now() }),
            header_timeout: options.header_timeout,
            idle_timeout: options.idle_timeout,
        }
    }

    fn deadline(&self) -> Instant {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (state.n_in_flight, state.served_any) {
            (0, false) => state.since + self.header_timeout,
            (0, true) => state.since + self.idle_timeout,
            _ => Instant::now() + self.idle_timeout,
        }
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Counts a request as in flight while it lives, also when its future is dropped.
struct Busy(Arc<Activity>);

impl Busy {
    fn new(activity: Arc<Activity>) -> Self {
        activity.update(|state| {
            state.n_in_flight += 1;
            state.served_any = true;
        });
        Self(activity)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.update(|state| {
            state.n_in_flight -= 1;
            state.since = Instant::now();
        });
    }
}
