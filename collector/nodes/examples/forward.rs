//! Sends spans through a collector to a sink that counts them; what `tools/bench/collector-forward` drives.
//!
//! usage: forward SINK_ADDR TARGET_URL N_BATCHES IN_FLIGHT [gzip]
//!
//! Batches hold 1 000 spans of about 300 bytes. Ends when the sink has every span, or fails after
//! a minute without a new one; prints one line of JSON.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use bytes::Bytes;
use collector_otlp::client::{ClientOptions, ErrorKind, GrpcClient};
use collector_otlp::server::{Reply, ServerOptions, Sink, bind};
use collector_otlp::{Encoded, Encoding, Limits, Request, Signal, inflate, json};

const SPANS_PER_BATCH: u64 = 1_000;
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Counter(AtomicU64);

impl Sink for Counter {
    fn accept(&self, request: Request) -> impl Future<Output = Reply> + Send {
        self.0.fetch_add(u64::from(request.n_items), SeqCst);
        std::future::ready(Reply::Accepted)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [sink_addr, target, n_batches, in_flight, rest @ ..] = &args[..] else {
        return Err("usage: forward SINK_ADDR TARGET_URL N_BATCHES IN_FLIGHT [gzip]".into());
    };
    let (n_batches, in_flight): (usize, usize) = (n_batches.parse()?, in_flight.parse()?);
    let encoding = rest.iter().any(|a| a == "gzip").then_some(Encoding::Gzip);

    let counter = Arc::new(Counter::default());
    let options = ServerOptions { grpc: Some(sink_addr.parse()?), ..Default::default() };
    let bound = bind(options).await?;
    tokio::spawn(bound.serve(Arc::clone(&counter), std::future::pending()));

    let request = batch(encoding)?;
    let n_bytes = request.payload.len();
    let started = Instant::now();
    let left = Arc::new(AtomicUsize::new(n_batches));
    let mut senders = Vec::new();
    for _ in 0..in_flight {
        let client = GrpcClient::new(target, ClientOptions { encoding, ..Default::default() })?;
        senders.push(tokio::spawn(send(client, request.clone(), Arc::clone(&left))));
    }
    let mut n_retries = 0;
    for sender in senders {
        n_retries += sender.await??;
    }
    let n_spans = n_batches as u64 * SPANS_PER_BATCH;
    let (mut seen, mut moved) = (0, Instant::now());
    while seen < n_spans {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let now = counter.0.load(SeqCst);
        if now > seen {
            (seen, moved) = (now, Instant::now());
        } else if moved.elapsed() > PATIENCE {
            return Err(format!("the sink has {seen} of {n_spans} spans and waits in vain").into());
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let mut out = std::io::stdout();
    write!(out, r#"{{"spans":{seen},"batch_bytes":{n_bytes},"seconds":{seconds:.3},"#)?;
    writeln!(out, r#""retries":{n_retries}}}"#)?;
    Ok(())
}

/// Sends until none is left; a refusal that may pass is waited out.
async fn send(client: GrpcClient, request: Request, left: Arc<AtomicUsize>) -> Result<u64, String> {
    let mut n_retries = 0;
    while left.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok() {
        while let Err(error) = client.export(&request).await {
            let ErrorKind::Retryable { after } = error.kind else { return Err(error.to_string()) };
            n_retries += 1;
            if n_retries > 10_000 {
                return Err(format!("gave up: {error}"));
            }
            tokio::time::sleep(after.unwrap_or(Duration::from_millis(5))).await;
        }
    }
    Ok(n_retries)
}

/// A thousand spans that look like an HTTP server's.
fn batch(encoding: Option<Encoding>) -> Result<Request, Box<dyn Error>> {
    let spans: Vec<String> = (0..SPANS_PER_BATCH)
        .map(|n| {
            format!(
                r#"{{"traceId":"{:032x}","spanId":"{:016x}","parentSpanId":"{:016x}","name":"GET /api/pellets/{{digest}}","kind":2,
                "startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":[
                {{"key":"http.request.method","value":{{"stringValue":"GET"}}}},
                {{"key":"http.route","value":{{"stringValue":"/api/pellets/{{digest}}"}}}},
                {{"key":"http.response.status_code","value":{{"intValue":"200"}}}},
                {{"key":"server.address","value":{{"stringValue":"127.0.0.1"}}}},
                {{"key":"user_agent.original","value":{{"stringValue":"nestr-web/{n}"}}}}],"status":{{}}}}"#,
                n * 0x9e37_79b9_7f4a + 1, n + 1, n + 7, 1_700_000_000_000_000_000 + n, 1_700_000_000_005_000_000 + n * 3
            )
        })
        .collect();
    let text = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"bench"}}}}]}},"scopeSpans":[{{"scope":{{"name":"bench"}},"spans":[{}]}}]}}]}}"#,
        spans.join(",")
    );
    let limits = Limits::default();
    let payload = Bytes::from(json::to_protobuf(Signal::Traces, text.as_bytes(), &limits)?);
    let mut request = Request::prove(Signal::Traces, payload, &limits)?;
    if let Some(encoding) = encoding {
        let bytes = Bytes::from(inflate::compress(encoding, &request.payload)?);
        request.carried = Some(Encoded { encoding, bytes });
    }
    Ok(request)
}
