//! The order of events: claim, start, wait, tell, watch, stop.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;

use super::backends::{Found, Kind, Site};
use super::demo;
use super::fleet::Fleet;
use super::listeners::{Listener, claim};
use super::options::{Options, UpArgs};
use super::report::Report;
use super::state_dir::{StateDir, create_private};
use super::{plan, token};
use crate::http::Client;
use crate::logging;
use crate::signals::Signals;

/// Exit code of a start that was broken off by the user.
const INTERRUPTED: u8 = 130;

/// Runs until asked to stop. Being stopped once everything is up is success.
pub(crate) fn run(args: UpArgs) -> anyhow::Result<ExitCode> {
    logging::start("info");
    let options = args.resolve()?;
    // One thread, the main one: parent-death signals follow the thread that starts a process.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(up(options))
}

async fn up(mut options: Options) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let mut signals = Signals::listen()?;
    let found = options.backends_dir.as_deref().map(Found::search).unwrap_or_default();
    let state = StateDir::open(&options.perch_state)?;
    create_private(&options.engine_state)?;
    claim(wanted(&mut options, &found))?;

    let client = Client::new();
    let mut fleet = Fleet::new(client.clone());
    let outcome = tokio::select! {
        started = start(&mut fleet, &client, &options, &found, &state, begun) => started.map(|()| true),
        _ = signals.next() => Ok(false),
    };
    if let Ok(true) = outcome {
        signals.next().await;
    }
    tracing::info!("stopping");
    tokio::select! {
        () = fleet.stop() => {}
        // A second signal does not wait: what still runs is killed when its handle is dropped.
        _ = signals.next() => tracing::warn!("stopping at once"),
    }
    Ok(if outcome? { ExitCode::SUCCESS } else { ExitCode::from(INTERRUPTED) })
}

/// Every listener of everything that will be started.
fn wanted<'a>(options: &'a mut Options, found: &Found) -> Vec<&'a mut Listener> {
    let l = &mut options.listen;
    let mut all =
        vec![&mut l.engine, &mut l.engine_metrics, &mut l.otlp_grpc, &mut l.otlp_http, &mut l.api];
    let backends = [
        (Kind::Prometheus, &mut l.prometheus),
        (Kind::Alertmanager, &mut l.alertmanager),
        (Kind::Loki, &mut l.loki),
        (Kind::Jaeger, &mut l.jaeger),
        (Kind::Jaeger, &mut l.jaeger_otlp_grpc),
        (Kind::Jaeger, &mut l.jaeger_otlp_http),
        (Kind::Grafana, &mut l.grafana),
    ];
    all.extend(backends.into_iter().filter(|(kind, _)| found.has(*kind)).map(|(_, one)| one));
    all
}

async fn start(
    fleet: &mut Fleet,
    client: &Client,
    options: &Options,
    found: &Found,
    state: &StateDir,
    begun: Instant,
) -> anyhow::Result<()> {
    let mut roots = options.roots.clone();
    let sample = if options.demo {
        let folder = state.at("demo");
        let tree = demo::plant(&folder).context("could not write the demo's sample tree")?;
        roots.push(folder);
        Some(tree)
    } else {
        None
    };

    let site = Site { listen: &options.listen, state, found };
    for (kind, binary) in &found.present {
        fleet.launch(site.component(*kind, binary)?)?;
    }
    fleet.launch(plan::collector(options, found, state)?)?;
    fleet.ready(plan::COLLECTOR).await?;
    fleet.launch(plan::engine(options, &roots, state)?)?;
    fleet.ready(plan::ENGINE).await?;

    let token = token::create(&options.nestr, &options.engine_state).await?;
    let standings = fleet.standings().await;
    let base = options.listen.engine.url();
    let packed = match &sample {
        Some(tree) => match demo::pack(client, &base, &token, tree).await {
            Ok(packed) => Some(packed),
            Err(error) => {
                tracing::warn!(error = %format!("{error:#}"), "the sample tree could not be packed");
                None
            }
        },
        None => None,
    };
    let report = Report {
        standings: &standings,
        listen: &options.listen,
        missing: &found.missing,
        token: &token,
        demo: packed.as_ref(),
        took: begun.elapsed(),
        engine_state: &options.engine_state,
        terminal: std::io::stdout().is_terminal(),
    };
    let text = if options.json { format!("{}\n", report.json()) } else { report.table() };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
