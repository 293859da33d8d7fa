//! The flags of the sink, and its life.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use collector_otlp::Limits;
use collector_otlp::server::{ServerOptions, bind};
use serde_json::json;

use super::api;
use super::behaviour::{Answer, Behaviour};
use super::counter::Counter;
use crate::api::Api;
use crate::bench::args::{duration, rate};
use crate::logging;
use crate::signals::Signals;

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Largest that `--max-request-mib` may be.
const MAX_REQUEST_MIB: u64 = 1024;

/// `perch bench sink`
#[derive(Debug, clap::Args)]
pub(crate) struct SinkArgs {
    /// Where OTLP/gRPC listens; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value_t = ANY_PORT)]
    grpc: SocketAddr,
    /// Where OTLP/HTTP listens
    #[arg(long, value_name = "ADDR", default_value_t = ANY_PORT)]
    http: SocketAddr,
    /// Where the report is served; loopback only
    #[arg(long, value_name = "ADDR", default_value_t = ANY_PORT)]
    report: SocketAddr,
    /// Count items without looking at their run and number: cheaper, but blind to loss
    #[arg(long)]
    count_only: bool,
    /// Refuse every Nth request
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    refuse_every: Option<u64>,
    /// How to refuse
    #[arg(long, value_enum, default_value_t = Answer::Unavailable, requires = "refuse_every")]
    answer: Answer,
    /// Take what is refused all the same, so that whoever sends it again makes duplicates
    #[arg(long, requires = "refuse_every")]
    take_refused: bool,
    /// The wait that a refusal names
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "100ms")]
    retry_after: Duration,
    /// Answer each request that much later
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "0s")]
    delay: Duration,
    /// Take no more than that many items per second; requests wait for their turn
    #[arg(long, value_name = "N", value_parser = rate)]
    items_per_second: Option<f64>,
    /// Largest request that is read, compressed or not
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=MAX_REQUEST_MIB))]
    max_request_mib: u64,
    /// Threads that serve
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// Print JSON: a line with the addresses at the start, the report at the end
    #[arg(long)]
    json: bool,
}

/// Takes until a signal, then reports.
pub(crate) fn run(args: SinkArgs) -> anyhow::Result<ExitCode> {
    logging::start("warn");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(usize::from(args.threads))
        .enable_all()
        .build()?;
    let report = runtime.block_on(serve(&args))?;
    let text = if args.json { format!("{}\n", report.json()) } else { report.table() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: &SinkArgs) -> anyhow::Result<super::report::Report> {
    let mut signals = Signals::listen()?;
    let behaviour = Behaviour {
        refuse_every: args.refuse_every,
        answer: args.answer,
        takes_refused: args.take_refused,
        retry_after: args.retry_after,
        delay: args.delay,
        items_per_second: args.items_per_second,
    };
    let counter = Arc::new(Counter::new(behaviour, args.count_only));
    let max = usize::try_from(args.max_request_mib << 20).context("too large a request")?;
    let limits = Limits { max_wire_bytes: max, max_decoded_bytes: max, ..Limits::default() };
    let (grpc, http) = (Some(args.grpc), Some(args.http));
    let server = bind(ServerOptions { grpc, http, limits, ..Default::default() }).await?;
    for addr in [args.grpc, args.http] {
        if !addr.ip().is_loopback() {
            tracing::warn!(%addr, "anyone who reaches this address can send");
        }
    }
    let url = |addr: Option<SocketAddr>| addr.map(|a| format!("http://{a}")).unwrap_or_default();
    let (grpc, http) = (url(server.grpc_addr()), url(server.http_addr()));
    let api = Api::bind(args.report).await?;
    let serving = api.answer(api::router(Arc::clone(&counter)));
    let report = format!("http://{}", serving.addr());
    let text = if args.json {
        format!("{}\n", json!({"grpc": grpc, "http": http, "report": report}))
    } else {
        format!("OTLP gRPC  {grpc}\nOTLP HTTP  {http}\nreport     {report}\n\n")
    };
    std::io::stdout().write_all(text.as_bytes())?;
    // It has no configuration to read again: any signal ends it.
    let ended = async move {
        signals.next().await;
    };
    server.serve(Arc::clone(&counter), ended).await;
    serving.stop().await;
    Ok(counter.report())
}
