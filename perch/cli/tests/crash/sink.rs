//! A backend of OTLP/HTTP that can refuse, be slow, keep its replies to itself, and go away.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use collector_otlp::Signal;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Interval, interval};
use tokio_util::sync::CancellationToken;

use crate::batch::Payloads;
use crate::support::{free_address, wait_for};
use crate::taken::Taken;

/// The header in which the collector bears the number of its life.
pub(crate) const EPOCH: &str = "x-epoch";
/// Of so many replies one is kept back by a sink that swallows.
const SWALLOWED: u64 = 3;

/// What a sink does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Takes it.
    Take,
    /// Takes it and replies that much later.
    Slow(Duration),
    /// Replies 503 and does not take it.
    Refuse,
    /// Takes it, and every now and then breaks the connection instead of replying.
    Swallow,
    /// Takes one in that time, in the order they came.
    Paced(Duration),
    /// Does not listen.
    Away,
}

/// A backend.
pub(crate) struct Sink {
    /// The exporter's name.
    pub(crate) name: &'static str,
    pub(crate) addr: SocketAddr,
    shared: Arc<Shared>,
    handle: Handle,
    listening: Mutex<Option<Listening>>,
}

struct Listening {
    stop: CancellationToken,
    accepting: JoinHandle<()>,
}

struct Shared {
    payloads: Payloads,
    behaviour: Mutex<Behaviour>,
    taken: Mutex<Taken>,
    pace: tokio::sync::Mutex<Option<Interval>>,
    n_requests: AtomicU64,
}

impl Sink {
    /// Three of them, named as their exporters.
    pub(crate) fn three(handle: &Handle, payloads: Payloads) -> Vec<Self> {
        ["a", "b", "c"].map(|name| Self::start(name, handle, payloads)).into()
    }

    /// Listens at an address of its own: while it is away its port would else be free for the receiver of a collector,
    /// which would then send to itself.
    pub(crate) fn start(name: &'static str, handle: &Handle, payloads: Payloads) -> Self {
        let listener = std::net::TcpListener::bind(free_address()).unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            payloads,
            behaviour: Mutex::new(Behaviour::Take),
            taken: Mutex::default(),
            pace: tokio::sync::Mutex::default(),
            n_requests: AtomicU64::new(0),
        });
        let sink = Self { name, addr, shared, handle: handle.clone(), listening: Mutex::default() };
        *sink.listening.lock().unwrap() = Some(sink.listen(listener));
        sink
    }

    /// Behaves so from now on; once it is away, nothing comes in any more and no reply is owed.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
        let mut listening = self.listening.lock().unwrap();
        match (behaviour, listening.take()) {
            (Behaviour::Away, Some(Listening { stop, accepting })) => {
                stop.cancel();
                self.handle.block_on(accepting).unwrap();
            }
            (Behaviour::Away, None) => {}
            (_, Some(at_work)) => *listening = Some(at_work),
            (_, None) => {
                // Somebody's connection may pass through the port meanwhile.
                let again = || std::net::TcpListener::bind(self.addr).ok();
                *listening = Some(self.listen(wait_for("the port is free again", again)));
            }
        }
    }

    /// What it took so far.
    pub(crate) fn taken(&self) -> MutexGuard<'_, Taken> {
        self.shared.taken.lock().unwrap()
    }

    /// A look into it from other threads.
    pub(crate) fn look(&self) -> impl Fn(crate::batch::BatchId) -> u32 + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move |id| shared.taken.lock().unwrap().n_times(id)
    }

    fn listen(&self, listener: std::net::TcpListener) -> Listening {
        listener.set_nonblocking(true).unwrap();
        let _within = self.handle.enter();
        let listener = TcpListener::from_std(listener).unwrap();
        let stop = CancellationToken::new();
        let accepting = self.handle.spawn(accept(listener, self.shared.clone(), stop.clone()));
        Listening { stop, accepting }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(_) => continue,
            },
            Some(_) = connections.join_next() => continue,
            () = stop.cancelled() => break,
        };
        connections.spawn(serve(stream, shared.clone(), stop.clone()));
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Serves until the other side ends, or to the end of the request under way.
async fn serve(stream: TcpStream, shared: Arc<Shared>, stop: CancellationToken) {
    let service = hyper::service::service_fn(move |request| answer(Arc::clone(&shared), request));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// The reply is kept back.
#[derive(Debug, thiserror::Error)]
#[error("swallowed")]
struct Swallowed;

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Swallowed> {
    let behaviour = *shared.behaviour.lock().unwrap();
    let epoch = request.headers().get(EPOCH).and_then(|v| v.to_str().ok()?.parse().ok());
    let path = request.uri().path().to_owned();
    let signal = Signal::ALL.into_iter().find(|signal| signal.http_path() == path);
    let Ok(body) = request.into_body().collect().await else { return Err(Swallowed) };
    if behaviour == Behaviour::Refuse {
        return Ok(reply(StatusCode::SERVICE_UNAVAILABLE));
    }
    if let Behaviour::Paced(each) = behaviour {
        // Ticks that nobody was there for are made up for: the rate is what it says, however busy the machine.
        shared.pace.lock().await.get_or_insert_with(|| interval(each)).tick().await;
    }
    let n = shared.n_requests.fetch_add(1, Relaxed);
    let swallow = behaviour == Behaviour::Swallow && n.is_multiple_of(SWALLOWED);
    let read = match (signal, epoch) {
        (Some(signal), Some(epoch)) => {
            shared.payloads.read(signal, &body.to_bytes()).map(|ids| (epoch, ids))
        }
        _ => Err(format!("a request to {path} without its epoch")),
    };
    match read {
        Ok((epoch, ids)) => shared.taken.lock().unwrap().take(epoch, &ids, !swallow),
        Err(fault) => shared.taken.lock().unwrap().fault(fault),
    }
    if let Behaviour::Slow(late) = behaviour {
        tokio::time::sleep(late).await;
    }
    if swallow { Err(Swallowed) } else { Ok(reply(StatusCode::OK)) }
}

fn reply(status: StatusCode) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(Bytes::new()));
    *reply.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static("application/x-protobuf");
    reply.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    reply
}
