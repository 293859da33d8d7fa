//! `perch check`: finds what is wrong with a configuration without starting anything.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use collector_pipeline::config::{Config, ConfigError};
use collector_pipeline::graph::{self, Host};
use collector_pipeline::queue::Jitter;
use collector_telemetry::Metrics;
use durable_fs::{DiskFs, SystemClock};
use serde_json::json;

use crate::registry::{Known, REGISTRY};

/// `perch check FILE`
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// The configuration file
    file: PathBuf,
    /// Print the configuration as it is used: defaults filled in, present names, secrets masked
    #[arg(long)]
    expand: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints what the file describes, or everything wrong in it.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let checked = load(&args.file)?.and_then(|config| {
        graph::check(&config, &REGISTRY, &host(Metrics::new())).map(|()| config)
    });
    let text = match (&checked, args.json) {
        (Ok(config), false) if args.expand => config.expanded(&Known).to_yaml(),
        (Ok(config), false) => describe(config),
        (Ok(config), true) => {
            let notes: Vec<_> = config
                .notes
                .iter()
                .map(|n| json!({"at": n.at.to_string(), "message": n.message}))
                .collect();
            let acks: BTreeMap<_, _> =
                config.pipelines.iter().map(|p| (p.id.to_string(), p.ack.to_string())).collect();
            let mut said = json!({"ok": true, "ack": acks, "notes": notes});
            if args.expand {
                said["config"] = config.expanded(&Known).to_json();
            }
            format!("{said}\n")
        }
        (Err(error), false) => format!("{error}\n"),
        (Err(error), true) => {
            let findings: Vec<_> = error
                .findings
                .iter()
                .map(|f| json!({"at": f.at.to_string(), "path": f.path, "message": f.message, "hint": f.hint}))
                .collect();
            format!("{}\n", json!({"ok": false, "findings": findings}))
        }
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads and resolves a configuration file.
pub(crate) fn load(file: &Path) -> anyhow::Result<Result<Config, ConfigError>> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    Ok(Config::parse(&name, &text, &|variable| std::env::var(variable).ok()))
}

/// The real disk, the real time, real chance.
pub(crate) fn host(metrics: Metrics) -> Host {
    Host {
        fs: Arc::new(DiskFs),
        clock: Arc::new(SystemClock::new()),
        metrics,
        jitter: Jitter::random(),
    }
}

fn describe(config: &Config) -> String {
    let mut text = format!("{} is sound\n\n", config.file);
    for pipeline in &config.pipelines {
        let names = |ids: &[collector_pipeline::config::ComponentId]| {
            let names: Vec<_> = ids.iter().map(ToString::to_string).collect();
            names.join(", ")
        };
        let to = if pipeline.exporters.is_empty() {
            "the local store only".to_owned()
        } else {
            names(&pipeline.exporters)
        };
        let (id, from, ack) = (&pipeline.id, names(&pipeline.receivers), pipeline.ack);
        let _ = writeln!(text, "  {id}: {from} → {to}; ack: {ack}");
    }
    match &config.storage {
        Some(storage) => {
            let (dir, bytes) = (storage.directory.display(), storage.max_bytes);
            let _ = writeln!(text, "  storage: {dir}, up to {bytes} bytes");
        }
        None => text.push_str("  storage: in memory, gone with the process\n"),
    }
    let _ = writeln!(text, "  API: http://{}", config.api.listen);
    if !config.notes.is_empty() {
        text.push('\n');
    }
    for note in &config.notes {
        let _ = writeln!(text, "note: {}:{}: {}", config.file, note.at, note.message);
    }
    text
}
