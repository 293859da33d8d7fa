//! Two servers in front of one intake.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use collector_otlp::server::{Call, Refusal, Reply, ServerOptions, Sink, bind};
use collector_otlp::{Request, Signal};
use collector_pipeline::graph::{Admission, Intake};
use collector_pipeline::node::{Bound, NodeError, Receiver, Started};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio_util::sync::CancellationToken;

use super::config::Config;
use super::metrics::Requests;

/// Takes OTLP in.
pub(super) struct Otlp {
    name: String,
    config: Config,
    requests: Requests,
}

/// One transport's way to the intake.
struct Door {
    receiver: String,
    transport: &'static str,
    intake: Intake,
    requests: Requests,
}

impl Otlp {
    pub(super) fn new(name: String, config: Config, requests: Requests) -> Self {
        Self { name, config, requests }
    }

    fn servers(&self) -> Vec<(&'static str, ServerOptions)> {
        let grpc = self.config.grpc.clone().map(|options| ("grpc", options));
        let http = self.config.http.clone().map(|options| ("http", options));
        grpc.into_iter().chain(http).collect()
    }

    async fn open(&self, intake: Intake, stop: CancellationToken) -> Result<Started, NodeError> {
        let mut bound = Vec::new();
        let mut work = Vec::new();
        for (transport, options) in self.servers() {
            let asked = options.grpc.or(options.http).unwrap_or(SocketAddr::from(([0; 4], 0)));
            let knows_senders = options.tokens.is_some()
                || options.tls.as_ref().is_some_and(|tls| tls.knows_clients());
            let in_the_clear = options.tls.is_none();
            let server = bind(options).await.map_err(|source| NodeError::Listen {
                addr: asked,
                transport,
                source,
            })?;
            let addr = server.grpc_addr().or(server.http_addr()).unwrap_or(asked);
            if !addr.ip().is_loopback() {
                warn_of(&self.name, addr, knows_senders, in_the_clear);
            }
            bound.push(Bound { transport, addr });
            let door = Door {
                receiver: self.name.clone(),
                transport,
                intake: intake.clone(),
                requests: self.requests.clone(),
            };
            let stop = stop.clone();
            work.push(async move {
                server.serve(Arc::new(door), async move { stop.cancelled().await }).await;
            });
        }
        Ok(Started { bound, work: join_all(work).map(|_| Ok(())).boxed() })
    }
}

fn warn_of(receiver: &str, addr: SocketAddr, knows_senders: bool, in_the_clear: bool) {
    if !knows_senders {
        tracing::warn!(receiver, %addr, "listening beyond this machine without authentication");
    } else if in_the_clear {
        tracing::warn!(receiver, %addr, "tokens come to this listener in the clear: set up tls");
    }
}

impl Receiver for Otlp {
    fn start(
        &self,
        intake: Intake,
        stop: CancellationToken,
    ) -> BoxFuture<'_, Result<Started, NodeError>> {
        self.open(intake, stop).boxed()
    }
}

impl Sink for Door {
    async fn accept(&self, request: Request) -> Reply {
        let signal = request.signal;
        let admission = self.intake.offer(request).await;
        self.reply(signal, admission)
    }

    async fn accept_call(&self, request: Request, call: Call) -> Reply {
        let signal = request.signal;
        let admission = self.intake.receive(request, self.transport, &call).await;
        self.reply(signal, admission)
    }

    fn refused(&self, _: Signal, refusal: Refusal) {
        self.requests.count(&self.receiver, self.transport, refusal.name());
    }
}

impl Door {
    /// Counts what became of a request, and says it.
    fn reply(&self, signal: Signal, admission: Admission) -> Reply {
        self.requests.count(&self.receiver, self.transport, admission.code());
        match admission {
            Admission::Accepted => Reply::Accepted,
            Admission::Full { retry_after } => Reply::Full { retry_after },
            Admission::Unavailable { retry_after, message } => {
                let message = Cow::Borrowed(message);
                Reply::Unavailable { retry_after, message }
            }
            Admission::Unwanted => unwanted(signal),
        }
    }
}

fn unwanted(signal: Signal) -> Reply {
    Reply::Invalid { message: format!("no pipeline takes {signal} from this receiver") }
}
