//! The table of replies, over HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use collector_otlp::inflate::compress;
use collector_otlp::server::{Refusal, Reply, ServerOptions};
use collector_otlp::status::{Code, Status};
use collector_otlp::{Encoding, Limits, Signal};

use crate::support::{Answer, Server, one_span, send};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

async fn post(server: &Server, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    send("POST", format!("http://{}/v1/traces", server.http), headers, body, false).await
}

fn status_of(answer: &Answer) -> Status {
    assert_eq!(answer.header("content-type"), "application/x-protobuf");
    Status::from_protobuf(&answer.body)
}

#[tokio::test]
async fn what_is_whole_is_taken_in_every_form() {
    let server = Server::start().await;
    let span = one_span("a");
    let json = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}]}]}]}"#;
    let gzip = compress(Encoding::Gzip, &span).unwrap();
    let zstd = compress(Encoding::Zstd, &span).unwrap();
    for (headers, body, carried) in [
        (vec![PROTOBUF], span.clone(), None),
        (vec![("content-type", "Application/X-Protobuf; v=1")], span.clone(), None),
        (vec![PROTOBUF, ("content-encoding", "identity")], span.clone(), None),
        (vec![PROTOBUF, ("content-encoding", "gzip")], gzip.clone(), Some(Encoding::Gzip)),
        (vec![PROTOBUF, ("content-encoding", "x-gzip")], gzip.clone(), Some(Encoding::Gzip)),
        (vec![PROTOBUF, ("content-encoding", "ZSTD")], zstd.clone(), Some(Encoding::Zstd)),
    ] {
        let answer = post(&server, &headers, body.clone()).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, ""), "{headers:?}");
        assert_eq!(answer.header("content-type"), "application/x-protobuf");
        let [taken] = &server.taken()[..] else { panic!("{headers:?}") };
        assert_eq!((taken.signal, taken.n_items), (Signal::Traces, 1));
        assert!(taken.payload[..] == span[..]);
        let as_it_came =
            taken.payload.carried().map(|carried| (carried.encoding, &carried.bytes[..]));
        assert_eq!(as_it_came, carried.map(|encoding| (encoding, &body[..])));
    }
    let zipped = compress(Encoding::Gzip, json.as_bytes()).unwrap();
    for (headers, body) in [
        (vec![JSON], json.as_bytes().to_vec()),
        (vec![("content-type", "application/json; charset=utf-8")], json.as_bytes().to_vec()),
        (vec![JSON, ("content-encoding", "gzip")], zipped),
    ] {
        let answer = post(&server, &headers, body).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"), "{headers:?}");
        assert_eq!(answer.header("content-type"), "application/json");
        let [taken] = &server.taken()[..] else { panic!("{headers:?}") };
        assert!(taken.n_items == 1 && taken.payload.carried().is_none());
    }
    server.stop().await;
}

#[tokio::test]
async fn nothing_inside_is_a_success_that_reaches_nobody() {
    let server = Server::start().await;
    assert_eq!(post(&server, &[PROTOBUF], "").await.status, 200);
    assert_eq!(post(&server, &[JSON], "{}").await.status, 200);
    assert_eq!(post(&server, &[PROTOBUF], vec![0x0a, 0x00]).await.status, 200);
    assert!(server.taken().is_empty() && server.refused().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn the_http_port_speaks_http2_as_well() {
    let server = Server::start().await;
    let url = format!("http://{}/v1/traces", server.http);
    let answer = send("POST", url, &[PROTOBUF], one_span("a"), true).await;
    assert_eq!((answer.status, server.taken().len()), (200, 1));
    server.stop().await;
}

#[tokio::test]
async fn malformed_bodies_get_400_with_a_status_in_their_own_form() {
    let server = Server::start().await;
    let span = one_span("a");
    let gzip = compress(Encoding::Gzip, &span).unwrap();
    let deep = (0..40).fold(vec![0x18, 1], |inner: Vec<u8>, _| {
        let mut array = Vec::new();
        collector_otlp::wire::write_len(&mut array, 1, &inner);
        let mut value = Vec::new();
        collector_otlp::wire::write_len(&mut value, 5, &array);
        value
    });
    let deep = [2, 9, 2, 2, 1].iter().fold(deep, |inner, number| {
        let mut out = Vec::new();
        collector_otlp::wire::write_len(&mut out, *number, &inner);
        out
    });
    for (headers, body, what) in [
        (vec![PROTOBUF], span[..span.len() - 1].to_vec(), "broken"),
        (vec![PROTOBUF], vec![0x08, 1], "broken ExportTraceServiceRequest.resourceSpans at byte 0"),
        (vec![PROTOBUF], vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], "broken"),
        (vec![PROTOBUF], b"not protobuf".to_vec(), "broken"),
        (vec![PROTOBUF], deep, "nested too deeply"),
        (vec![PROTOBUF, ("content-encoding", "gzip")], span.clone(), "broken gzip"),
        (vec![PROTOBUF, ("content-encoding", "gzip")], gzip[..20].to_vec(), "broken gzip"),
        (vec![PROTOBUF, ("content-encoding", "zstd")], gzip.clone(), "broken zstd"),
        (vec![PROTOBUF, ("content-encoding", "gzip")], vec![], "broken gzip"),
        // Compressed twice and declared once.
        (
            vec![PROTOBUF, ("content-encoding", "gzip")],
            compress(Encoding::Gzip, &gzip).unwrap(),
            "broken",
        ),
    ] {
        let answer = post(&server, &headers, body).await;
        let status = status_of(&answer);
        assert_eq!((answer.status, status.code), (400, Code::InvalidArgument), "{what}");
        assert!(status.message.contains(what), "{what}: {}", status.message);
        assert_eq!(server.refused(), [(Signal::Traces, Refusal::Malformed)]);
    }
    for body in ["", "{", "[]", r#"{"resourceSpans":3}"#, "{}{}"] {
        let answer = post(&server, &[JSON], body).await;
        assert_eq!((answer.status, answer.header("content-type")), (400, "application/json"));
        let status: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(status["code"], 3, "{body}");
        assert!(status["message"].as_str().unwrap().starts_with("json: "), "{status}");
    }
    assert_eq!(post(&server, &[PROTOBUF], span).await.status, 200, "the server goes on");
    assert_eq!(server.taken().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn too_much_gets_413_and_a_bomb_400() {
    let limits = Limits {
        max_wire_bytes: 10_000,
        max_decoded_bytes: 20_000,
        ratio_floor_bytes: 10_000,
        max_ratio: 10,
        ..Limits::default()
    };
    let server = Server::start_with(ServerOptions { limits, ..Default::default() }).await;
    let large = post(&server, &[PROTOBUF], vec![0; 10_001]).await;
    assert_eq!((large.status, status_of(&large).code), (413, Code::InvalidArgument));
    assert_eq!(server.refused(), [(Signal::Traces, Refusal::TooLarge)]);
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        let headers = [PROTOBUF, ("content-encoding", encoding.token())];
        let bomb = compress(encoding, &vec![0; 19_000]).unwrap();
        let answer = post(&server, &headers, bomb).await;
        assert_eq!((answer.status, status_of(&answer).code), (400, Code::InvalidArgument));
        assert_eq!(server.refused(), [(Signal::Traces, Refusal::Bomb)]);
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 28) as u8
        });
        let large: Vec<u8> = noise.take(21_000).collect();
        let answer = post(&server, &headers, compress(encoding, &large).unwrap()).await;
        assert_eq!(answer.status, 413, "{encoding:?}");
        assert_eq!(server.refused(), [(Signal::Traces, Refusal::TooLarge)]);
    }
    server.stop().await;
}

#[tokio::test]
async fn unknown_types_and_encodings_get_415() {
    let server = Server::start().await;
    for headers in [
        vec![],
        vec![("content-type", "text/plain")],
        vec![("content-type", "application/grpc")],
        vec![PROTOBUF, ("content-encoding", "deflate")],
        vec![PROTOBUF, ("content-encoding", "gzip, gzip")],
        vec![PROTOBUF, ("content-encoding", "gzip"), ("content-encoding", "gzip")],
        vec![PROTOBUF, ("content-encoding", "snappy")],
    ] {
        let answer = post(&server, &headers, one_span("a")).await;
        assert_eq!(answer.status, 415, "{headers:?}");
        assert_eq!(answer.header("accept-encoding"), "gzip, zstd, identity");
        assert_eq!(server.refused(), [(Signal::Traces, Refusal::Unsupported)]);
    }
    assert!(server.taken().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn wrong_paths_methods_and_hosts_are_told_apart() {
    let server = Server::start().await;
    let url = |path: &str| format!("http://{}{path}", server.http);
    let get = send("GET", url("/v1/traces"), &[], "", false).await;
    assert_eq!((get.status, get.header("allow")), (405, "POST"));
    assert_eq!(send("POST", url("/v1/spans"), &[PROTOBUF], "", false).await.status, 404);
    assert_eq!(send("POST", url("/v1/traces/"), &[PROTOBUF], "", false).await.status, 404);
    let headers = [PROTOBUF, ("host", "rebound.example:4318")];
    let foreign = post(&server, &headers, one_span("a")).await;
    assert_eq!(foreign.status, 421);
    assert!(server.taken().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn the_sinks_answers_in_http() {
    let server = Server::start().await;
    let retry_after = Duration::from_millis(1500);
    for (reply, http, code, header) in [
        (Reply::Full { retry_after }, 429, Code::ResourceExhausted, "2"),
        (
            Reply::Unavailable { retry_after, message: "draining".into() },
            503,
            Code::Unavailable,
            "2",
        ),
        (Reply::Unauthenticated, 401, Code::Unauthenticated, ""),
        (Reply::Forbidden, 403, Code::PermissionDenied, ""),
        (Reply::Invalid { message: "no".into() }, 400, Code::InvalidArgument, ""),
    ] {
        server.will_reply(reply);
        let answer = post(&server, &[PROTOBUF], one_span("a")).await;
        let status = status_of(&answer);
        assert_eq!((answer.status, status.code), (http, code));
        assert_eq!(answer.header("retry-after"), header);
        assert_eq!(status.retry_after.is_some(), !header.is_empty());
    }
    let partial = || Reply::Partial { n_rejected: 3, message: "too old".into() };
    server.will_reply(partial());
    let answer = post(&server, &[PROTOBUF], one_span("a")).await;
    assert_eq!(answer.status, 200);
    use prost::Message as _;
    let response =
        opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse::decode(
            answer.body,
        );
    let partial_success = response.unwrap().partial_success.unwrap();
    assert_eq!((partial_success.rejected_spans, &*partial_success.error_message), (3, "too old"));
    server.will_reply(partial());
    let body = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}"#;
    let answer = post(&server, &[JSON], body).await;
    assert_eq!(
        answer.text(),
        r#"{"partialSuccess":{"errorMessage":"too old","rejectedSpans":"3"}}"#
    );
    assert!(server.refused().is_empty(), "the sink counts its own refusals");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_told_and_counted() {
    let options = ServerOptions { body_timeout: Duration::from_millis(200), ..Default::default() };
    let server = Server::start_with(options).await;
    let address = server.http;
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-protobuf\r\ncontent-length: 100\r\n\r\nhalf"
    );
    let answer = raw(address, head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(server.refused(), [(Signal::Traces, Refusal::Incomplete)]);
    server.stop().await;
}

#[tokio::test]
async fn a_declared_length_beyond_the_limit_is_refused_unread() {
    let server = Server::start().await;
    let address = server.http;
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-protobuf\r\ncontent-length: 99999999999\r\n\r\n"
    );
    let answer = raw(address, head).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed() {
    let options =
        ServerOptions { header_timeout: Duration::from_millis(200), ..Default::default() };
    let server = Server::start_with(options).await;
    assert_eq!(raw(server.http, String::new()).await, "");
    // HTTP/2 servers speak first; what counts is that the call ends.
    raw(server.grpc, String::new()).await;
    let slow = raw(server.http, "POST /v1/traces HTTP/1.1\r\nx-slow".to_owned()).await;
    assert!(slow.is_empty() || slow.starts_with("HTTP/1.1 4"), "{slow}");
    server.stop().await;
}

/// Writes `text` and reads until the other side closes.
async fn raw(address: std::net::SocketAddr, text: String) -> String {
    let talk = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Err(error) = ended {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{text}");
        }
        text
    });
    talk.await.unwrap()
}
