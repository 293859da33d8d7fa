//! Stopping, bounds on connections, and a sink that panics.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use collector_otlp::client::{ClientOptions, GrpcClient, HttpClient};
use collector_otlp::server::{Reply, ServerOptions, Sink, bind};
use collector_otlp::{Limits, Request, Signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

use crate::support::{Server, one_span, within};

fn request() -> Request {
    Request::prove(Signal::Traces, one_span("a").into(), &Limits::default()).unwrap()
}

/// Says when a request is with it, and answers when told.
#[derive(Default)]
struct Slow {
    n_waiting: AtomicUsize,
    came: Notify,
    go: Notify,
}

impl Sink for Slow {
    async fn accept(&self, _: Request) -> Reply {
        self.n_waiting.fetch_add(1, Ordering::SeqCst);
        self.came.notify_one();
        self.go.notified().await;
        Reply::Accepted
    }
}

#[tokio::test]
async fn what_is_in_flight_when_the_server_stops_gets_its_reply() {
    let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let bound = bind(ServerOptions { grpc: any, http: any, ..Default::default() }).await.unwrap();
    let (grpc, http) = (bound.grpc_addr().unwrap(), bound.http_addr().unwrap());
    let sink = Arc::new(Slow::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve(sink.clone(), async move { drop(stopped.await) }));
    let grpc = GrpcClient::new(&grpc.to_string(), ClientOptions::default()).unwrap();
    let http = HttpClient::new(&http.to_string(), ClientOptions::default()).unwrap();
    let by_grpc = tokio::spawn(async move { grpc.export(&request()).await });
    within(sink.came.notified()).await;
    let by_http = tokio::spawn(async move { http.export(&request()).await });
    within(sink.came.notified()).await;
    assert_eq!(sink.n_waiting.load(Ordering::SeqCst), 2);
    stop.send(()).unwrap();
    tokio::task::yield_now().await;
    assert!(!serving.is_finished());
    sink.go.notify_waiters();
    within(by_grpc).await.unwrap().unwrap();
    within(by_http).await.unwrap().unwrap();
    within(serving).await.unwrap();
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_a_place() {
    let options = ServerOptions { max_connections: 1, ..Default::default() };
    let server = Server::start_with(options).await;
    let mut first = within(TcpStream::connect(server.http)).await.unwrap();
    within(first.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")).await.unwrap();
    let mut answer = [0; 12];
    within(first.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 404");
    let client = HttpClient::new(&server.http.to_string(), ClientOptions::default()).unwrap();
    let second = tokio::spawn(async move { client.export(&request()).await });
    tokio::task::yield_now().await;
    assert!(server.taken().is_empty() && !second.is_finished());
    drop(first);
    within(second).await.unwrap().unwrap();
    assert_eq!(server.taken().len(), 1);
    server.stop().await;
}

/// Panics at the first request of each transport.
#[derive(Default)]
struct Fragile(AtomicUsize);

impl Sink for Fragile {
    async fn accept(&self, _: Request) -> Reply {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 1, "told to");
        Reply::Accepted
    }
}

#[tokio::test]
async fn a_panic_ends_one_request_and_not_the_server() {
    let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let bound = bind(ServerOptions { grpc: any, http: any, ..Default::default() }).await.unwrap();
    let (grpc, http) = (bound.grpc_addr().unwrap(), bound.http_addr().unwrap());
    tokio::spawn(bound.serve(Arc::new(Fragile::default()), std::future::pending()));
    let grpc = GrpcClient::new(&grpc.to_string(), ClientOptions::default()).unwrap();
    let http = HttpClient::new(&http.to_string(), ClientOptions::default()).unwrap();
    assert!(within(grpc.export(&request())).await.unwrap_err().is_retryable());
    assert!(within(http.export(&request())).await.unwrap_err().is_retryable());
    within(grpc.export(&request())).await.unwrap();
    within(http.export(&request())).await.unwrap();
}
