//! A sink that remembers, a server around it, and plain HTTP to talk to it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use collector_otlp::server::{Refusal, Reply, ServerOptions, Sink, bind};
use collector_otlp::{Request, Signal};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::sync::oneshot;

/// Answers as told, in order, and with success once there is nothing left to tell.
#[derive(Default)]
pub struct Recorder {
    pub replies: Mutex<VecDeque<Reply>>,
    pub taken: Mutex<Vec<Request>>,
    pub refused: Mutex<Vec<(Signal, Refusal)>>,
}

impl Sink for Recorder {
    async fn accept(&self, request: Request) -> Reply {
        self.taken.lock().unwrap().push(request);
        self.replies.lock().unwrap().pop_front().unwrap_or(Reply::Accepted)
    }

    fn refused(&self, signal: Signal, refusal: Refusal) {
        self.refused.lock().unwrap().push((signal, refusal));
    }
}

pub struct Server {
    pub sink: Arc<Recorder>,
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(ServerOptions::default()).await
    }

    pub async fn start_with(options: ServerOptions) -> Self {
        let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        Self::run(ServerOptions { grpc: any, http: any, ..options }).await
    }

    /// Starts at these addresses, where another one stood perhaps.
    pub async fn start_at(grpc: SocketAddr, http: SocketAddr) -> Self {
        let (grpc, http) = (Some(grpc), Some(http));
        Self::run(ServerOptions { grpc, http, ..ServerOptions::default() }).await
    }

    async fn run(options: ServerOptions) -> Self {
        let bound = bind(options).await.unwrap();
        let (grpc, http) = (bound.grpc_addr().unwrap(), bound.http_addr().unwrap());
        let sink = Arc::new(Recorder::default());
        let (stop, stopped) = oneshot::channel();
        let serving = bound.serve(sink.clone(), async move { drop(stopped.await) });
        Self { sink, grpc, http, stop: Some(stop), task: tokio::spawn(serving) }
    }

    pub fn will_reply(&self, reply: Reply) {
        self.sink.replies.lock().unwrap().push_back(reply);
    }

    pub fn taken(&self) -> Vec<Request> {
        std::mem::take(&mut *self.sink.taken.lock().unwrap())
    }

    pub fn refused(&self) -> Vec<(Signal, Refusal)> {
        std::mem::take(&mut *self.sink.refused.lock().unwrap())
    }

    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        within(self.task).await.unwrap();
    }
}

/// No test waits longer than this for anything.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("no end in time")
}

pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends a request with any headers; trailers join the headers of the answer.
pub async fn send(
    method: &str,
    url: String,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
    http2: bool,
) -> Answer {
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.into())).unwrap();
    let client: Client<_, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
    let (head, body) = within(client.request(request)).await.unwrap().into_parts();
    let body = within(body.collect()).await.unwrap();
    let mut headers = head.headers;
    headers.extend(body.trailers().cloned().unwrap_or_default());
    Answer { status: head.status.as_u16(), headers, body: body.to_bytes() }
}

/// A request with one span of that name.
pub fn one_span(name: &str) -> Vec<u8> {
    let json = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"{name}"}}]}}]}}]}}"#
    );
    collector_otlp::json::to_protobuf(Signal::Traces, json.as_bytes(), &Default::default()).unwrap()
}
