//! The flags of the sender, and its course.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use collector_otlp::client::{ClientOptions, EndpointError, GrpcClient, HttpClient};
use collector_otlp::tls::{ClientFiles, ClientTls};
use durable_fs::{Clock, SystemClock};
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;

use super::report::{Report, Requests};
use super::source::Source;
use super::verdict;
use super::work::{Client, Limits, work};
use crate::bench::args::{Compression, Kind, Protocol, duration, rate};
use crate::bench::marks::{SEQ_END, SEQ_FIRST};
use crate::bench::payload::{Plan, Template};
use crate::bench::process::{self, Cost};
use crate::logging;

/// Largest request that is made.
const MAX_REQUEST: usize = 64 << 20;
/// Bytes that `--prepare` may take.
const MAX_PREPARED: u64 = 2 << 30;
const DEFAULT_FOR: Duration = Duration::from_secs(10);

/// `perch bench send`
#[derive(Debug, clap::Args)]
pub(crate) struct SendArgs {
    /// Where to send: http://HOST:PORT, for HTTP with a path in front of /v1/… if there is one
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4317")]
    endpoint: String,
    /// The transport
    #[arg(long, value_enum, default_value_t = Protocol::Grpc)]
    pub(super) protocol: Protocol,
    /// Compression on the wire
    #[arg(long, value_enum, default_value_t = Compression::None)]
    pub(super) compression: Compression,
    /// What to send
    #[arg(long, value_enum, default_value_t = Kind::Traces)]
    pub(super) signal: Kind,
    /// Bytes of one item, about; what an item cannot do without may make it larger
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub(super) item_bytes: u32,
    /// Items in one request
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) batch: u32,
    /// End after that many items, rounded up to whole requests
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    items: Option<u64>,
    /// End after that time [default: 10s, without --items]
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// Items per second; without it as many as the other side takes
    #[arg(long, value_name = "N", value_parser = rate)]
    pub(super) rate: Option<f64>,
    /// Connections; over HTTP, which has one request under way on each, the larger of this and --in-flight
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) connections: u16,
    /// Requests under way at once, over all connections
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(super) in_flight: u16,
    /// How often a request is sent again after a refusal that allows it, after the wait it names
    #[arg(long, value_name = "N", default_value_t = 0)]
    retries: u32,
    /// Time for one reply
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    timeout: Duration,
    /// A header of every request, NAME=VALUE; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Authorities that an https endpoint may be certified by, instead of the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Decides the content of items
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// Make and compress every request before the first is sent, so that the sender is no bottleneck; wants --items
    #[arg(long, requires = "items")]
    prepare: bool,
    /// The report address of `perch bench sink` behind the endpoint: counts what was lost and duplicated
    #[arg(long, value_name = "URL")]
    sink: Option<String>,
    /// How long the sink may see nothing new before what is missing counts as lost
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    settle: Duration,
    /// Measure CPU and memory of this process from the first request until the sink has everything
    #[arg(long, value_name = "PID")]
    pub(super) pid: Option<u32>,
    /// Threads that send
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    let name = name.parse().map_err(|_| "that is no name of a header")?;
    let mut value = HeaderValue::from_str(value).map_err(|_| "that cannot stand in a header")?;
    value.set_sensitive(true);
    Ok((name, value))
}

impl From<&SendArgs> for Requests {
    fn from(args: &SendArgs) -> Self {
        Self {
            signal: args.signal.signal().name(),
            protocol: args.protocol.name(),
            compression: args.compression.name(),
            item_bytes: args.item_bytes,
            batch: args.batch,
            rate: args.rate,
            connections: args.connections,
            in_flight: args.in_flight,
            seed: args.seed,
            pid: args.pid,
        }
    }
}

/// Sends, waits for the sink, reports; the exit code is 1 if anything was lost.
pub(crate) fn run(args: SendArgs) -> anyhow::Result<ExitCode> {
    logging::start("warn");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(usize::from(args.threads))
        .enable_all()
        .build()?;
    let report = runtime.block_on(send(&args))?;
    let text = if args.json { format!("{}\n", report.json()) } else { report.table() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(if report.lost_any() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn send(args: &SendArgs) -> anyhow::Result<Report> {
    let run = getrandom::u64().context("the system gives no random numbers")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let plan = Plan {
        signal: args.signal.signal(),
        item_bytes: args.item_bytes as usize,
        batch: args.batch as usize,
        seed: args.seed,
        run,
    };
    if plan.item_bytes.saturating_mul(plan.batch) > MAX_REQUEST {
        bail!("a request would be larger than {} MiB: lower --batch", MAX_REQUEST >> 20);
    }
    let limits = limits(args)?;
    let template = Template::new(&plan, clock.unix_nanos());
    let n_bytes = template.n_bytes() as u64;
    let encoding = args.compression.encoding();
    let mut source = Source::new(template, &plan, encoding, clock);
    if args.prepare {
        let n = limits.n_requests;
        if n.saturating_mul(n_bytes) / if encoding.is_some() { 3 } else { 1 } > MAX_PREPARED {
            bail!("--prepare would take more than {} GiB: lower --items", MAX_PREPARED >> 30);
        }
        source.prepare(n)?;
    }
    let clients = clients(args)?;
    let cost = |pid: Option<u32>| pid.map(process::cost).transpose();
    let before = cost(args.pid)?;
    let started = Instant::now();
    let n_places = usize::from(args.in_flight);
    let (account, acked) = work(clients, Arc::new(source), limits, n_places).await;
    let sent_for = started.elapsed();
    let verdict = match &args.sink {
        Some(sink) => Some(verdict::of(sink, run, &acked, args.settle).await?),
        None => None,
    };
    let settled_after = started.elapsed();
    let after = cost(args.pid)?;
    let cost = before.zip(after).map(|(before, after)| Cost {
        cpu_seconds: after.cpu_seconds - before.cpu_seconds,
        ..after
    });
    let requests = args.into();
    Ok(Report { run, requests, n_bytes, account, verdict, cost, sent_for, settled_after })
}

fn limits(args: &SendArgs) -> anyhow::Result<Limits> {
    let batch = u64::from(args.batch);
    let most = (SEQ_END - SEQ_FIRST) / batch;
    let n_requests = args.items.map_or(most, |n| n.div_ceil(batch));
    if n_requests > most {
        bail!("a run has at most {} items: lower --items", most * batch);
    }
    let time = args.time.or(args.items.is_none().then_some(DEFAULT_FOR));
    // The widths of a double are no matter: batches are small numbers.
    let interval = args.rate.map(|rate| f64::from(args.batch) / rate);
    Ok(Limits { n_requests, time, interval, n_retries: args.retries })
}

fn clients(args: &SendArgs) -> anyhow::Result<Vec<Client>> {
    let tls = args.endpoint.starts_with("https://").then(|| {
        let files = ClientFiles { ca_file: args.ca_file.clone(), ..Default::default() };
        ClientTls::load(files)
    });
    let options = ClientOptions {
        encoding: args.compression.encoding(),
        timeout: args.timeout,
        connect_timeout: args.timeout,
        headers: args.headers.clone(),
        tls: tls.transpose()?,
        ..Default::default()
    };
    let make = || -> Result<Client, EndpointError> {
        Ok(match args.protocol {
            Protocol::Grpc => Client::Grpc(GrpcClient::new(&args.endpoint, options.clone())?),
            Protocol::Http => Client::Http(HttpClient::new(&args.endpoint, options.clone())?),
        })
    };
    let clients: Result<Vec<_>, _> = (0..args.connections).map(|_| make()).collect();
    clients.context("cannot send there (--endpoint)")
}
