//! Our clients against our servers and against a generated one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use collector_otlp::client::{ClientOptions, ErrorKind, GrpcClient, HttpClient, Outcome};
use collector_otlp::inflate::compress;
use collector_otlp::server::Reply;
use collector_otlp::{Encoded, Encoding, Limits, Payload, Request, Signal};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tonic::codec::CompressionEncoding;

use crate::support::{Server, one_span, within};

fn request(name: &str) -> Request {
    Request::prove(Signal::Traces, one_span(name).into(), &Limits::default()).unwrap()
}

fn options(encoding: Option<Encoding>) -> ClientOptions {
    ClientOptions { encoding, ..ClientOptions::default() }
}

/// Whoever asks for any free port gets one of 127.0.0.1: a port here that is let go stays free.
const ALONE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77)), 0);

#[tokio::test]
async fn what_came_compressed_leaves_as_it_came() {
    let server = Server::start().await;
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        // Two members or frames one after another: bytes that compressing anew would not give.
        let (head, tail) = (one_span("a"), one_span("b"));
        let bytes =
            [compress(encoding, &head).unwrap(), compress(encoding, &tail).unwrap()].concat();
        let whole =
            Request::prove(Signal::Traces, [head, tail].concat().into(), &Limits::default());
        let (carried, whole) = (Encoded { encoding, bytes: bytes.into() }, whole.unwrap());
        let payload = Payload::proven(carried, (*whole.payload).clone());
        let request = Request { payload, ..whole };
        let grpc = GrpcClient::new(&server.grpc.to_string(), options(Some(encoding))).unwrap();
        let http = HttpClient::new(&format!("http://{}", server.http), options(Some(encoding)));
        within(grpc.export(&request)).await.unwrap();
        within(http.unwrap().export(&request)).await.unwrap();
        assert_eq!(server.taken(), [request.clone(), request]);
    }
    server.stop().await;
}

#[tokio::test]
async fn other_encodings_are_made_on_the_way_out() {
    let server = Server::start().await;
    let plain = request("a");
    let gzip = compress(Encoding::Gzip, &plain.payload).unwrap();
    let carried = Encoded { encoding: Encoding::Gzip, bytes: gzip.into() };
    let payload = Payload::restored(carried, plain.payload.len());
    let zipped = Request { payload, ..plain.clone() };
    for (request, encoding) in [
        (&plain, None),
        (&plain, Some(Encoding::Gzip)),
        (&plain, Some(Encoding::Zstd)),
        (&zipped, None),
        (&zipped, Some(Encoding::Zstd)),
    ] {
        let client = GrpcClient::new(&server.grpc.to_string(), options(encoding)).unwrap();
        within(client.export(request)).await.unwrap();
        let [taken] = &server.taken()[..] else { panic!() };
        assert!(*taken.payload == *plain.payload);
        assert_eq!(taken.payload.carried().map(|carried| carried.encoding), encoding);
    }
    server.stop().await;
}

#[tokio::test]
async fn replies_decide_about_trying_again() {
    let server = Server::start().await;
    let grpc = GrpcClient::new(&server.grpc.to_string(), options(None)).unwrap();
    let http = HttpClient::new(&server.http.to_string(), options(None)).unwrap();
    let retry_after = Duration::from_secs(2);
    let later = ErrorKind::Retryable { after: Some(retry_after) };
    for (reply, kind, grpc_code, http_code) in [
        (Reply::Full { retry_after }, later, "RESOURCE_EXHAUSTED", "HTTP 429"),
        (Reply::Unavailable { retry_after, message: "m".into() }, later, "UNAVAILABLE", "HTTP 503"),
        (Reply::Unauthenticated, ErrorKind::Permanent, "UNAUTHENTICATED", "HTTP 401"),
        (Reply::Forbidden, ErrorKind::Permanent, "PERMISSION_DENIED", "HTTP 403"),
        (
            Reply::Invalid { message: "m".into() },
            ErrorKind::Permanent,
            "INVALID_ARGUMENT",
            "HTTP 400",
        ),
    ] {
        server.will_reply(reply.clone());
        let error = within(grpc.export(&request("a"))).await.unwrap_err();
        assert_eq!((error.kind, &*error.code), (kind, grpc_code));
        server.will_reply(reply);
        let error = within(http.export(&request("a"))).await.unwrap_err();
        assert_eq!((error.kind, &*error.code), (kind, http_code));
        assert!(!error.message.is_empty());
    }
    for _ in 0..2 {
        server.will_reply(Reply::Partial { n_rejected: 3, message: "too old".into() });
    }
    let expected = Outcome { n_rejected: 3, message: "too old".into() };
    assert_eq!(within(grpc.export(&request("a"))).await.unwrap(), expected);
    assert_eq!(within(http.export(&request("a"))).await.unwrap(), expected);
    server.stop().await;
}

#[tokio::test]
async fn nobody_there_and_nobody_answering_may_be_tried_again() {
    let listener = TcpListener::bind(ALONE).await.unwrap();
    let silent = listener.local_addr().unwrap();
    let options = ClientOptions { timeout: Duration::from_millis(200), ..options(None) };
    let client = HttpClient::new(&silent.to_string(), options.clone()).unwrap();
    let error = within(client.export(&request("a"))).await.unwrap_err();
    assert_eq!((error.is_retryable(), &*error.code), (true, "TIMEOUT"));
    drop(listener);
    let client = GrpcClient::new(&silent.to_string(), options).unwrap();
    let error = within(client.export(&request("a"))).await.unwrap_err();
    assert!(error.is_retryable() && error.code == "CONNECT", "{error}");
}

#[tokio::test]
async fn a_client_finds_a_server_that_came_back() {
    let server = Server::start_at(ALONE, ALONE).await;
    let (grpc, http) = (server.grpc, server.http);
    let clients = (
        GrpcClient::new(&grpc.to_string(), options(None)).unwrap(),
        HttpClient::new(&http.to_string(), options(None)).unwrap(),
    );
    within(clients.0.export(&request("a"))).await.unwrap();
    within(clients.1.export(&request("a"))).await.unwrap();
    server.stop().await;
    assert!(within(clients.0.export(&request("a"))).await.unwrap_err().is_retryable());
    assert!(within(clients.1.export(&request("a"))).await.unwrap_err().is_retryable());
    let again = Server::start_at(grpc, http).await;
    within(clients.0.export(&request("a"))).await.unwrap();
    within(clients.1.export(&request("a"))).await.unwrap();
    again.stop().await;
}

/// A generated server that refuses a span named `refuse` and rejects part of one named `part`.
struct Generated;

#[tonic::async_trait]
impl TraceService for Generated {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let request = request.into_inner();
        match &*request.resource_spans[0].scope_spans[0].spans[0].name {
            "refuse" => Err(tonic::Status::resource_exhausted("too large for me, 100 %")),
            "part" => Ok(tonic::Response::new(ExportTraceServiceResponse {
                partial_success: Some(ExportTracePartialSuccess {
                    rejected_spans: 1,
                    error_message: "old".into(),
                }),
            })),
            _ => Ok(tonic::Response::new(ExportTraceServiceResponse::default())),
        }
    }
}

async fn generated_server() -> SocketAddr {
    let incoming = tonic::transport::server::TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = incoming.local_addr().unwrap();
    let service = TraceServiceServer::new(Generated)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
    tokio::spawn(
        tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming),
    );
    address
}

#[tokio::test]
async fn a_generated_server_understands_us() {
    let address = generated_server().await;
    for encoding in [None, Some(Encoding::Gzip), Some(Encoding::Zstd)] {
        let client = GrpcClient::new(&format!("http://{address}"), options(encoding)).unwrap();
        assert_eq!(within(client.export(&request("a"))).await.unwrap(), Outcome::default());
        let outcome = within(client.export(&request("part"))).await.unwrap();
        assert_eq!((outcome.n_rejected, &*outcome.message), (1, "old"));
        // Without RetryInfo this means "never": OTLP says so.
        let error = within(client.export(&request("refuse"))).await.unwrap_err();
        assert_eq!((error.kind, &*error.code), (ErrorKind::Permanent, "RESOURCE_EXHAUSTED"));
        assert_eq!(error.message, "too large for me, 100 %");
        let logs = Request { signal: Signal::Logs, ..request("a") };
        let error = within(client.export(&logs)).await.unwrap_err();
        assert_eq!((error.kind, &*error.code), (ErrorKind::Permanent, "UNIMPLEMENTED"));
    }
}
