//! Settings as written, and as used.

use std::path::PathBuf;

use collector_pipeline::config::{Finding, Interval, Tree};
use serde::Deserialize;

use super::files;
use crate::objective::Objective;
use crate::objectives::{Limits, Objectives};
use crate::policy::Policy;

/// Settings as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Raw {
    objectives: Vec<String>,
    windows: Option<PathBuf>,
    resolution: Option<Interval>,
    max_groups: Option<usize>,
    max_traces: Option<usize>,
    max_series: Option<usize>,
    policy: RawPolicy,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPolicy {
    caution: Option<f64>,
    frozen: Option<f64>,
    exhausted: Option<f64>,
    hysteresis: Option<f64>,
}

/// Settings as used.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The objectives that are tracked.
    pub(crate) objectives: Objectives,
    /// Those that only Prometheus can evaluate: id, and where each stands.
    pub(crate) rules_only: Vec<(String, String)>,
    /// Where the budget's states begin.
    pub(crate) policy: Policy,
}

/// Seconds of a fine bucket unless told otherwise: fine enough that the shortest window, five minutes, is told to a
/// thirtieth.
const RESOLUTION: u64 = 10;
/// Bytes that a bucket takes where a million events a minute have failures among them.
const BUSY_BUCKET: u64 = 8;

impl Raw {
    /// Checks the settings and reads the files they name.
    pub(crate) fn resolve(self, settings: &Tree) -> Result<Settings, Finding> {
        let fault = |key: &str, what: String| {
            let at = settings.get(key).map_or(settings.at, |t| t.at);
            Finding::new(at, what).within(key)
        };
        let resolution = match self.resolution {
            None => RESOLUTION,
            Some(given) => {
                let seconds = given.0.as_secs();
                if given.0.subsec_nanos() != 0 || seconds == 0 || 60 % seconds != 0 {
                    let what = "a resolution is 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60 seconds";
                    return Err(fault("resolution", what.to_owned()));
                }
                seconds
            }
        };
        let policy = self.policy.resolve().map_err(|what| fault("policy", what))?;
        let default = Limits::default();
        let limits = Limits {
            max_groups: self.max_groups.unwrap_or(default.max_groups),
            max_traces: self.max_traces.unwrap_or(default.max_traces),
            max_series: self.max_series.unwrap_or(default.max_series),
            ..default
        };
        if limits.max_traces > 1_000 {
            let what = "more than 1000 traces of each cause are not kept".to_owned();
            return Err(fault("max_traces", what));
        }
        if self.objectives.is_empty() {
            let hint = "name files of objectives, such as objectives: [slo/objectives/*.yaml]";
            return Err(fault("objectives", "there is nothing to track".into()).hint(hint));
        }
        let plans = files::plans(&self.objectives, self.windows.as_deref())
            .map_err(|what| fault("objectives", what))?;
        let (mut all, mut rules_only) = (Vec::new(), Vec::new());
        for plan in &plans {
            match Objective::of(plan, resolution) {
                Some(objective) => all.push(objective),
                None => {
                    let o = &plan.objective;
                    rules_only.push((o.id(), format!("{}:{}", o.origin.file, o.origin.at)));
                }
            }
        }
        let short = all.iter().flat_map(|o| o.windows.iter().map(move |w| (&o.id, w)));
        if let Some((id, window)) = { short }.find(|(_, w)| w.0 < resolution) {
            let what =
                format!("{id} has a window of {window}, and buckets are {resolution} s long");
            return Err(fault("resolution", what));
        }
        let needed: u64 = all.iter().map(|o| busy_bytes(resolution, o.period.length().0)).sum();
        if needed > limits.max_bytes as u64 {
            let what = format!(
                "{} objectives may take {needed} bytes of state, and {} are kept",
                all.len(),
                limits.max_bytes
            );
            let hint = "spread them over several processors, slo_tracker/a and slo_tracker/b";
            return Err(fault("objectives", what).hint(hint));
        }
        let objectives =
            Objectives::new(all, limits).map_err(|e| fault("objectives", e.to_string()))?;
        Ok(Settings { objectives, rules_only, policy })
    }
}

/// What the buckets of a busy objective take.
const fn busy_bytes(resolution: u64, period: u64) -> u64 {
    (crate::ring::FINE_REACH / resolution + period / 60) * BUSY_BUCKET
}

impl RawPolicy {
    fn resolve(self) -> Result<Policy, String> {
        let default = Policy::default();
        let policy = Policy {
            caution: self.caution.unwrap_or(default.caution),
            frozen: self.frozen.unwrap_or(default.frozen),
            exhausted: self.exhausted.unwrap_or(default.exhausted),
            hysteresis: self.hysteresis.unwrap_or(default.hysteresis),
        };
        let Policy { caution, frozen, exhausted, hysteresis } = policy;
        let sound = exhausted < frozen && frozen < caution && caution < 100.0;
        if !sound || !(0.0..=50.0).contains(&hysteresis) {
            return Err(
                "per cent of the budget left: exhausted < frozen < caution < 100, and hysteresis from 0 to 50"
                    .to_owned(),
            );
        }
        Ok(policy)
    }
}
