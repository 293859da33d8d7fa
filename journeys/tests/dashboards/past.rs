//! Two hours as a Prometheus with our rules, the Engine and the tracker would have recorded them.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// Windows that rules record for a month.
pub const WINDOWS: [&str; 8] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"];
const STEP: u64 = 60;
const N_STEPS: u64 = 120;

/// An objective and how it stands all the time.
struct Standing {
    service: &'static str,
    name: &'static str,
    target: f64,
    days: u64,
    burn: f64,
    left: f64,
}

const OBJECTIVES: [Standing; 5] = [
    Standing { service: "nestr", name: "rest", target: 0.999, days: 30, burn: 3.0, left: 0.5 },
    Standing { service: "shop", name: "checkout", target: 0.99, days: 28, burn: 0.5, left: 0.25 },
    Standing { service: "nestr", name: "packing", target: 0.995, days: 30, burn: 1.5, left: 0.05 },
    Standing { service: "shop", name: "search", target: 0.9, days: 30, burn: 2.0, left: -0.2 },
    // Hours without traffic, as the rules of the profile `sloth` see them.
    Standing {
        service: "shop",
        name: "idle",
        target: 0.9,
        days: 30,
        burn: f64::NAN,
        left: f64::NAN,
    },
];

/// A whole minute, not in the future.
#[expect(clippy::disallowed_methods, reason = "Prometheus looks back from the real clock")]
pub fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    now - now % STEP
}

/// All samples up to `now`.
pub fn openmetrics(now: u64) -> String {
    let mut past = Past { now, text: String::new() };
    OBJECTIVES.iter().for_each(|o| objective(&mut past, o));
    for (alert, state, severity, tier) in [
        ("RestBurn", "firing", "page", "page-slow"),
        ("RestBurn", "pending", "ticket", "ticket-slow"),
    ] {
        let labels = format!(
            "alertname=\"{alert}\",alertstate=\"{state}\",sloth_severity=\"{severity}\",slo_tier=\"{tier}\",sloth_service=\"nestr\",sloth_slo=\"rest\""
        );
        past.constant("ALERTS", &labels, 1.0);
    }
    engine(&mut past);
    past.text.push_str("# EOF\n");
    past.text
}

fn objective(past: &mut Past, o: &Standing) {
    let Standing { service, name, target, days, burn, left } = *o;
    let labels =
        format!("sloth_id=\"{service}-{name}\",sloth_service=\"{service}\",sloth_slo=\"{name}\"");
    let budget = 1.0 - target;
    #[expect(clippy::cast_precision_loss, reason = "a few days")]
    let days_value = days as f64;
    for (series, value) in [
        ("sloth_slo_info", 1.0),
        ("slo:objective:ratio", target),
        ("slo:error_budget:ratio", budget),
        ("slo:time_period:days", days_value),
        ("slo:current_burn_rate:ratio", burn),
        ("slo:period_burn_rate:ratio", 1.0 - left),
        ("slo:period_error_budget_remaining:ratio", left),
        ("slo:sli:events_total:increase5m", 600.0),
        ("slo:sli:events_bad:increase5m", 600.0 * budget),
    ] {
        past.constant(series, &labels, value);
    }
    for window in WINDOWS {
        let labels = format!("{labels},sloth_window=\"{window}\"");
        past.constant(&format!("slo:sli_error:ratio_rate{window}"), &labels, burn * budget);
    }
    let tracked = format!("slo=\"{service}-{name}\",job=\"perch/perch\",instance=\"p1\"");
    past.constant("perch_slo_budget_remaining_ratio", &tracked, left);
    for (verdict, per_step) in [("good", 100.0), ("bad", 2.0)] {
        let labels = format!("{tracked},verdict=\"{verdict}\"");
        past.counter("perch_slo_events_total", &labels, per_step);
    }
}

fn engine(past: &mut Past) {
    let process = "job=\"nestr/nestr\",instance=\"e1\"";
    for (route, status, per_step) in [("/api/pellets", "200", 60.0), ("/api/pellets", "500", 1.0)] {
        let labels = format!("{process},route=\"{route}\",method=\"GET\",status=\"{status}\"");
        past.counter("nestr_http_requests_total", &labels, per_step);
        for (le, share) in [("0.01", 0.5), ("0.1", 0.9), ("1.0", 1.0), ("+Inf", 1.0)] {
            let labels = format!("{labels},le=\"{le}\"");
            past.counter("nestr_http_request_duration_seconds_bucket", &labels, per_step * share);
        }
    }
    for kind in ["compress", "restore", "verify", "gc"] {
        for outcome in ["success", "failed", "interrupted", "refused"] {
            let labels = format!("{process},outcome=\"{outcome}\"");
            past.counter(&format!("nestr_pellet_{kind}_total"), &labels, 1.0);
        }
    }
}

struct Past {
    now: u64,
    text: String,
}

impl Past {
    fn constant(&mut self, name: &str, labels: &str, value: f64) {
        self.samples(name, labels, |_| value);
    }

    fn counter(&mut self, name: &str, labels: &str, per_step: f64) {
        #[expect(clippy::cast_precision_loss, reason = "a few steps")]
        self.samples(name, labels, |n| n as f64 * per_step);
    }

    fn samples(&mut self, name: &str, labels: &str, value: impl Fn(u64) -> f64) {
        for n in 0..=N_STEPS {
            let time = self.now - (N_STEPS - n) * STEP;
            let _ = writeln!(self.text, "{name}{{{labels}}} {} {time}", value(n));
        }
    }
}
