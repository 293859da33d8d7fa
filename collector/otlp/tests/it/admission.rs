//! Memory for requests: who gets a ticket, what the others are told, and when it comes back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use collector_otlp::admission::{Budget, Marks};
use collector_otlp::inflate::compress;
use collector_otlp::server::{Refusal, Reply, ServerOptions, Sink, bind};
use collector_otlp::status::{Code, Status};
use collector_otlp::{Encoding, Request, Signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::support::{Answer, Server, one_span, send, within};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");
const GRPC: [(&str, &str); 2] = [("content-type", "application/grpc"), ("te", "trailers")];

async fn server_with(hard_bytes: u64) -> (Server, Budget) {
    let budget = Budget::new(Marks::under(hard_bytes));
    let options = ServerOptions { budget: budget.clone(), ..Default::default() };
    (Server::start_with(options).await, budget)
}

async fn post(server: &Server, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let url = format!("http://{}/v1/traces", server.http);
    send("POST", url, headers, body.to_vec(), false).await
}

async fn call(server: &Server, headers: &[(&str, &str)], flag: u8, message: &[u8]) -> Answer {
    let url = format!("http://{}{}", server.grpc, Signal::Traces.grpc_path());
    let len = u32::try_from(message.len()).unwrap().to_be_bytes();
    let body = [&[flag], &len[..], message].concat();
    send("POST", url, &[&GRPC, headers].concat(), body, true).await
}

/// 429 and RESOURCE_EXHAUSTED, each with the time to wait, whatever the body's size.
#[tokio::test]
async fn senders_without_a_ticket_are_told_when_to_come_back() {
    let (server, budget) = server_with(8 << 20).await;
    let all = budget.begin(8 << 20).unwrap();
    for size in [10, 200_000, 4 << 20] {
        let span = one_span(&"n".repeat(size));
        let answer = post(&server, &[PROTOBUF], &span).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "1"), "{size}");
        let status = Status::from_protobuf(&answer.body);
        assert_eq!(
            (status.code, status.retry_after),
            (Code::ResourceExhausted, Some(Duration::from_secs(1)))
        );
        assert_eq!(status.message, "no memory at present; try again later");
        let answer = post(&server, &[JSON], &span).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "1"), "{size}");
        assert!(answer.text().contains(r#""code":8"#), "{}", answer.text());

        let answer = call(&server, &[], 0, &span).await;
        assert_eq!((answer.status, answer.header("grpc-status")), (200, "8"), "{size}");
        let details =
            Status::from_details_header(answer.header("grpc-status-details-bin").as_bytes());
        assert_eq!(details.unwrap().retry_after, Some(Duration::from_secs(1)));
        assert_eq!(server.refused(), [(Signal::Traces, Refusal::NoMemory); 3]);
    }
    drop(all);
    let span = one_span(&"n".repeat(200_000));
    assert_eq!(post(&server, &[PROTOBUF], &span).await.status, 200);
    assert_eq!(call(&server, &[], 0, &span).await.header("grpc-status"), "0");
    assert_eq!((server.taken().len(), budget.held_bytes()), (2, 0));
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_outgrows_its_ticket_is_given_up() {
    let (server, budget) = server_with(1 << 20).await;
    let others = budget.begin(512 << 10).unwrap();
    let span = one_span(&"n".repeat(700_000));
    let answer = call(&server, &[], 0, &span).await;
    assert_eq!(answer.header("grpc-status"), "8", "it began with 64 KiB");
    drop(others);
    assert_eq!(call(&server, &[], 0, &span).await.header("grpc-status"), "0");
    assert_eq!((server.taken().len(), budget.held_bytes()), (1, 0));
    server.stop().await;
}

#[tokio::test]
async fn what_can_never_fit_is_too_large() {
    let (server, budget) = server_with(1 << 20).await;
    let span = one_span(&"n".repeat(2 << 20));
    let gzip = compress(Encoding::Gzip, &span).unwrap();
    let answer = post(&server, &[PROTOBUF], &span).await;
    assert_eq!((answer.status, answer.header("retry-after")), (413, ""));
    let answer = post(&server, &[PROTOBUF, ("content-encoding", "gzip")], &gzip).await;
    assert_eq!((answer.status, answer.header("retry-after")), (413, ""), "small, but not inflated");
    let message = Status::from_protobuf(&answer.body).message;
    assert!(message.contains("more than the 1048576 bytes of memory"), "{message}");
    let answer = call(&server, &[("grpc-encoding", "gzip")], 1, &gzip).await;
    assert_eq!((answer.header("grpc-status"), answer.header("grpc-status-details-bin")), ("3", ""));
    assert_eq!(server.refused(), [(Signal::Traces, Refusal::TooLarge); 3]);
    assert_eq!(budget.held_bytes(), 0);
    server.stop().await;
}

#[tokio::test]
async fn inflated_bytes_are_paid_for_too() {
    let (server, budget) = server_with(1 << 20).await;
    let span = one_span(&"n".repeat(600_000));
    let headers = [PROTOBUF, ("content-encoding", "zstd")];
    let zstd = compress(Encoding::Zstd, &span).unwrap();
    let others = budget.begin(600 << 10).unwrap();
    assert_eq!(post(&server, &headers, &zstd).await.status, 429);
    assert_eq!(server.refused(), [(Signal::Traces, Refusal::NoMemory)]);
    drop(others);
    assert_eq!(post(&server, &headers, &zstd).await.status, 200);
    let peak = budget.peak_bytes();
    assert!(peak >= span.len() as u64 && peak <= 1 << 20, "{peak}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_announced_with_expect_is_never_asked_for() {
    let (server, budget) = server_with(1 << 20).await;
    let all = budget.begin(1 << 20).unwrap();
    let mut stream = TcpStream::connect(server.http).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                expect: 100-continue\r\ncontent-length: 500000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    within(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 429");
    drop(all);
    server.stop().await;
}

/// Says what the budget holds while a request is with it.
struct Gate {
    came: Notify,
    go: Notify,
}

impl Sink for Gate {
    async fn accept(&self, _: Request) -> Reply {
        self.came.notify_one();
        self.go.notified().await;
        Reply::Accepted
    }
}

async fn until_nothing_is_held(budget: &Budget) {
    within(async {
        while budget.held_bytes() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_ticket_is_held_to_the_reply_and_no_longer() {
    let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let budget = Budget::new(Marks::under(1 << 20));
    let options =
        ServerOptions { grpc: any, http: any, budget: budget.clone(), ..Default::default() };
    let bound = bind(options).await.unwrap();
    let http = bound.http_addr().unwrap();
    let gate = Arc::new(Gate { came: Notify::new(), go: Notify::new() });
    tokio::spawn(bound.serve(gate.clone(), std::future::pending()));
    let url = format!("http://{http}/v1/traces");

    let span = one_span(&"n".repeat(10_000));
    let gzip = compress(Encoding::Gzip, &span).unwrap();
    let n = (span.len() + gzip.len()) as u64;
    let sent = url.clone();
    let reply = tokio::spawn(async move {
        send("POST", sent, &[PROTOBUF, ("content-encoding", "gzip")], gzip, false).await.status
    });
    within(gate.came.notified()).await;
    assert_eq!(budget.held_bytes(), n, "both forms, and nothing else");
    gate.go.notify_one();
    assert_eq!(within(reply).await.unwrap(), 200);
    until_nothing_is_held(&budget).await;

    let gone = tokio::spawn(send("POST", url, &[PROTOBUF], span, false));
    within(gate.came.notified()).await;
    assert!(budget.held_bytes() > 0);
    gone.abort();
    until_nothing_is_held(&budget).await;

    let mut stalled = TcpStream::connect(http).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 500000\r\n\r\n{";
    stalled.write_all(head.as_bytes()).await.unwrap();
    within(async {
        while budget.held_bytes() != 500_000 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(stalled);
    until_nothing_is_held(&budget).await;
}
