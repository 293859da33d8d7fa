//! The table of replies, over gRPC: a generated client for what is whole, bare HTTP/2 for what is not.

use std::time::Duration;

use collector_otlp::inflate::compress;
use collector_otlp::server::{Refusal, Reply, ServerOptions};
use collector_otlp::status::Status;
use collector_otlp::{Encoding, Limits, Signal};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message as _;
use tonic::codec::CompressionEncoding;

use crate::support::{Answer, Server, one_span, send, within};

const GRPC: (&str, &str) = ("content-type", "application/grpc");
const TRAILERS: (&str, &str) = ("te", "trailers");

fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let len = (message.len() as u32).to_be_bytes();
    [&[flag], &len[..], message].concat()
}

async fn call(server: &Server, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let url = format!("http://{}{}", server.grpc, Signal::Traces.grpc_path());
    let headers = [&[GRPC, TRAILERS], headers].concat();
    send("POST", url, &headers, body, true).await
}

#[tokio::test]
async fn a_generated_client_is_served_in_every_encoding_and_signal() {
    let server = Server::start().await;
    let url = format!("http://{}", server.grpc);
    let request = ExportTraceServiceRequest::decode(&one_span("a")[..]).unwrap();
    let client = within(TraceServiceClient::connect(url.clone())).await.unwrap();
    for (encoding, carried) in [
        (None, None),
        (Some(CompressionEncoding::Gzip), Some(Encoding::Gzip)),
        (Some(CompressionEncoding::Zstd), Some(Encoding::Zstd)),
    ] {
        let mut client = client.clone();
        if let Some(encoding) = encoding {
            client = client.send_compressed(encoding).accept_compressed(encoding);
        }
        let response = within(client.export(request.clone())).await.unwrap().into_inner();
        assert!(response.partial_success.is_none());
        let [taken] = &server.taken()[..] else { panic!("{encoding:?}") };
        assert!(taken.payload[..] == request.encode_to_vec()[..] && taken.n_items == 1);
        assert_eq!(taken.payload.carried().map(|carried| carried.encoding), carried);
    }
    let mut metrics = within(MetricsServiceClient::connect(url.clone())).await.unwrap();
    within(metrics.export(ExportMetricsServiceRequest::default())).await.unwrap();
    let mut logs = within(LogsServiceClient::connect(url)).await.unwrap();
    within(logs.export(ExportLogsServiceRequest::default())).await.unwrap();
    assert!(server.taken().is_empty(), "nothing inside reaches nobody");
    server.stop().await;
}

#[tokio::test]
async fn the_sinks_answers_in_grpc() {
    let server = Server::start().await;
    let client =
        within(TraceServiceClient::connect(format!("http://{}", server.grpc))).await.unwrap();
    let request = ExportTraceServiceRequest::decode(&one_span("a")[..]).unwrap();
    let retry_after = Duration::from_millis(1500);
    for (reply, code, message) in [
        (Reply::Full { retry_after }, tonic::Code::ResourceExhausted, "no room"),
        (
            Reply::Unavailable { retry_after, message: "größer".into() },
            tonic::Code::Unavailable,
            "größer",
        ),
        (Reply::Unauthenticated, tonic::Code::Unauthenticated, "credentials"),
        (Reply::Forbidden, tonic::Code::PermissionDenied, "credentials"),
        (Reply::Invalid { message: "no".into() }, tonic::Code::InvalidArgument, "no"),
    ] {
        let may_retry = matches!(reply, Reply::Full { .. } | Reply::Unavailable { .. });
        server.will_reply(reply);
        let status = within(client.clone().export(request.clone())).await.unwrap_err();
        assert_eq!(status.code(), code);
        assert!(status.message().contains(message), "{status}");
        let details = Status::from_protobuf(status.details());
        assert_eq!(details.retry_after, may_retry.then_some(retry_after));
    }
    server.will_reply(Reply::Partial { n_rejected: 3, message: "too old".into() });
    let response = within(client.clone().export(request)).await.unwrap().into_inner();
    let partial = response.partial_success.unwrap();
    assert_eq!((partial.rejected_spans, &*partial.error_message), (3, "too old"));
    server.stop().await;
}

#[tokio::test]
async fn malformed_calls_get_invalid_argument() {
    let server = Server::start().await;
    let span = one_span("a");
    let gzip = compress(Encoding::Gzip, &span).unwrap();
    let claims = |n: u32| [&[0], &n.to_be_bytes()[..], &span].concat();
    for (headers, body, what) in [
        (vec![], vec![], "no message"),
        (vec![], vec![0, 0, 0], "no message"),
        (vec![], frame(0, &span[..span.len() - 1]), "broken"),
        (vec![], frame(0, &[0x08, 1]), "broken ExportTraceServiceRequest.resourceSpans at byte 0"),
        (vec![], frame(2, &span), "unknown flag"),
        (vec![], frame(1, &span), "without grpc-encoding"),
        (vec![], [frame(0, &span), frame(0, &span)].concat(), "bytes behind"),
        (vec![], claims(span.len() as u32 - 1), "bytes behind"),
        (vec![], claims(span.len() as u32 + 1), "before its declared length"),
        (vec![("grpc-encoding", "gzip")], frame(1, &span), "broken gzip"),
        (vec![("grpc-encoding", "zstd")], frame(1, &gzip), "broken zstd"),
        (vec![("grpc-encoding", "gzip")], frame(1, &gzip[..10]), "broken gzip"),
        (vec![("grpc-encoding", "gzip")], frame(1, &[]), "broken gzip"),
    ] {
        let answer = call(&server, &headers, body).await;
        assert_eq!((answer.status, answer.header("grpc-status")), (200, "3"), "{what}");
        assert!(answer.header("grpc-message").contains(what), "{}", answer.header("grpc-message"));
        assert_eq!(server.refused(), [(Signal::Traces, Refusal::Malformed)], "{what}");
    }
    let unused = call(&server, &[("grpc-encoding", "gzip")], frame(0, &span)).await;
    assert_eq!(unused.header("grpc-status"), "0", "a plain message under any encoding is whole");
    assert_eq!(call(&server, &[], frame(0, &[])).await.header("grpc-status"), "0");
    assert_eq!(server.taken().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn too_much_is_refused_by_the_declared_length() {
    let limits = Limits {
        max_wire_bytes: 10_000,
        max_decoded_bytes: 20_000,
        ratio_floor_bytes: 10_000,
        max_ratio: 10,
        ..Limits::default()
    };
    let server = Server::start_with(ServerOptions { limits, ..Default::default() }).await;
    for body in [vec![0, 0xff, 0xff, 0xff, 0xff], frame(0, &vec![0; 10_001])] {
        let answer = call(&server, &[], body).await;
        assert_eq!(answer.header("grpc-status"), "3");
        assert_eq!(server.refused(), [(Signal::Traces, Refusal::TooLarge)]);
    }
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        let headers = [("grpc-encoding", encoding.token())];
        let bomb = frame(1, &compress(encoding, &vec![0; 19_000]).unwrap());
        assert_eq!(call(&server, &headers, bomb).await.header("grpc-status"), "3");
        assert_eq!(server.refused(), [(Signal::Traces, Refusal::Bomb)]);
    }
    server.stop().await;
}

#[tokio::test]
async fn unknown_methods_encodings_and_types() {
    let server = Server::start().await;
    let span = frame(0, &one_span("a"));
    let answer = call(&server, &[("grpc-encoding", "snappy")], span.clone()).await;
    assert_eq!(answer.header("grpc-status"), "12");
    assert_eq!(answer.header("grpc-accept-encoding"), "identity,gzip,zstd");
    assert_eq!(server.refused(), [(Signal::Traces, Refusal::Unsupported)]);
    let url = |path: &str| format!("http://{}{path}", server.grpc);
    let answer = send("POST", url("/x.Y/Z"), &[GRPC], span.clone(), true).await;
    assert_eq!((answer.status, answer.header("grpc-status")), (200, "12"));
    let path = Signal::Traces.grpc_path();
    let typed = [("content-type", "application/json")];
    assert_eq!(send("POST", url(path), &typed, "{}", true).await.status, 415);
    assert_eq!(send("GET", url(path), &[GRPC], "", true).await.status, 405);
    server.stop().await;
}

#[tokio::test]
async fn requests_of_every_size_arrive_whole() {
    let server = Server::start().await;
    let span = one_span(&"n".repeat(500));
    for n in [1, 40, 3000, 20_000] {
        let message = span.repeat(n);
        let answer = call(&server, &[], frame(0, &message)).await;
        assert_eq!(answer.header("grpc-status"), "0", "{n} spans");
        let [taken] = &server.taken()[..] else { panic!("{n} spans") };
        assert!(taken.payload[..] == message[..] && taken.n_items as usize == n);
    }
    server.stop().await;
}
