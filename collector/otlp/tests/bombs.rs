//! Three hundred mebibytes of zeros in a small request, per transport and codec, alone in its process so that
//! the growth of its memory can be read.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    unreachable_pub,
    reason = "tests fail loudly"
)]

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use collector_otlp::server::{Reply, ServerOptions, Sink, bind};
use collector_otlp::{Request, Signal};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Growth that a refused bomb may cost: the decoded limit, and what stands around it.
const MAX_GROWTH_KIB: u64 = 32 * 1024;

struct Nobody;

impl Sink for Nobody {
    async fn accept(&self, request: Request) -> Reply {
        panic!("a bomb with {} items got through", request.n_items);
    }
}

fn zeros(mut into: impl Write) {
    let step = vec![0; 1 << 20];
    (0..300).for_each(|_| into.write_all(&step).unwrap());
}

fn gzip_bomb() -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zeros(&mut encoder);
    encoder.finish().unwrap().into()
}

fn zstd_bomb() -> Bytes {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    zeros(&mut encoder);
    encoder.finish().unwrap().into()
}

/// Forgets the peak so far.
fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

async fn post(url: String, http2: bool, headers: [(&str, &str); 2], body: Bytes) -> (u16, String) {
    let mut request = http::Request::post(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let client: Client<_, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
    let request = request.body(Full::new(body)).unwrap();
    let response = client.request(request).await.unwrap();
    let grpc =
        response.headers().get("grpc-status").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    response.into_body().collect().await.unwrap();
    (status, grpc.unwrap_or_default())
}

#[tokio::test]
async fn a_bomb_costs_no_more_than_its_limit() {
    let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let bound = bind(ServerOptions { grpc: any, http: any, ..Default::default() }).await.unwrap();
    let (grpc, http) = (bound.grpc_addr().unwrap(), bound.http_addr().unwrap());
    tokio::spawn(bound.serve(Arc::new(Nobody), std::future::pending()));
    for (token, bomb) in [("gzip", gzip_bomb()), ("zstd", zstd_bomb())] {
        for content_type in ["application/x-protobuf", "application/json"] {
            let headers = [("content-type", content_type), ("content-encoding", token)];
            reset_peak();
            let before = peak_kib();
            let url = format!("http://{http}/v1/traces");
            let (status, _) = post(url, false, headers, bomb.clone()).await;
            assert!([400, 413].contains(&status), "{token} {content_type} {status}");
            let growth = peak_kib() - before;
            println!("http {token} {content_type}: {growth} KiB");
            assert!(growth <= MAX_GROWTH_KIB, "{token} over HTTP took {growth} KiB");
        }
        let len = u32::try_from(bomb.len()).unwrap().to_be_bytes();
        let framed = [&[1], &len[..], &bomb].concat();
        let headers = [("content-type", "application/grpc"), ("grpc-encoding", token)];
        reset_peak();
        let before = peak_kib();
        let url = format!("http://{grpc}{}", Signal::Traces.grpc_path());
        let (_, status) = post(url, true, headers, framed.into()).await;
        assert_eq!(status, "3", "{token} over gRPC");
        let growth = peak_kib() - before;
        println!("grpc {token}: {growth} KiB");
        assert!(growth <= MAX_GROWTH_KIB, "{token} over gRPC took {growth} KiB");
    }
}
