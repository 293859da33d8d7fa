//! The files and options that all commands of `perch slo` share.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use collector_telemetry::names::metric;
use slo::compile::{Compiled, compile};
use slo::length::Length;
use slo::plan::{Options, Profile};
use slo::spec::Source;

/// Files and how they are compiled.
#[derive(Debug, clap::Args)]
pub(super) struct Input {
    /// Objectives: Sloth, OpenSLO or Pyrra, and tables of windows
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Whose rules: `exact` is right on idle hours, single failures and bursts, `sloth` is compatible
    #[arg(long, value_enum, default_value_t = Kind::Exact)]
    profile: Kind,
    /// The period of formats that have none of their own
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = period)]
    period: Length,
    /// A label for every rule
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Where the runbooks are served
    #[arg(long, value_name = "URL", default_value = "runbooks")]
    runbooks: String,
    /// A dashboard's address for the alerts; {id} stands for the objective
    #[arg(long, value_name = "URL")]
    dashboard: Option<String>,
    /// The address of the traces that spent the budget; {id} stands for the objective
    #[arg(long, value_name = "URL")]
    traces: Option<String>,
    /// Leave alerts out
    #[arg(long)]
    no_alerts: bool,
    /// Leave recording rules out
    #[arg(long)]
    no_recordings: bool,
}

/// A profile on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Exact,
    Sloth,
}

/// What could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", .path.display())]
pub(super) struct Unreadable {
    path: PathBuf,
    source: std::io::Error,
}

impl Unreadable {
    /// Whether there is no such file.
    pub(super) fn is_absent(&self) -> bool {
        self.source.kind() == std::io::ErrorKind::NotFound
    }
}

impl Input {
    /// The compiler's options.
    pub(super) fn options(&self) -> Options {
        let profile = match self.profile {
            Kind::Exact => Profile::Exact,
            Kind::Sloth => Profile::Sloth,
        };
        Options {
            period: self.period,
            extra_labels: self.labels.iter().cloned().collect(),
            alerts: !self.no_alerts,
            recordings: !self.no_recordings,
            runbooks: self.runbooks.clone(),
            dashboard: self.dashboard.clone(),
            traces: self.traces.clone(),
            ..Options::new(profile, metric::SLO_EVENTS.prometheus)
        }
    }

    /// Reads and compiles the files.
    pub(super) fn compile(&self, options: &Options) -> Result<Compiled, Unreadable> {
        let read = |path: &Path| {
            std::fs::read_to_string(path)
                .map(|text| (path.display().to_string(), text))
                .map_err(|source| Unreadable { path: path.to_owned(), source })
        };
        let texts = self.files.iter().map(|f| read(f)).collect::<Result<Vec<_>, _>>()?;
        let sources: Vec<Source<'_>> =
            texts.iter().map(|(name, text)| Source { name, text }).collect();
        Ok(compile(&sources, options))
    }
}

fn period(text: &str) -> Result<Length, String> {
    let length = Length::parse(text).filter(|l| l.0 > 0);
    length.ok_or_else(|| format!("`{text}` is no length of time such as 28d"))
}

fn label(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(n, v)| (n.to_owned(), v.to_owned())).ok_or_else(|| "write NAME=VALUE".to_owned())
}
