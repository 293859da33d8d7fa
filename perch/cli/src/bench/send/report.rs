//! What a run tells: a table for people, JSON for programs.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::account::{Account, Tally};
use super::verdict::Verdict;
use crate::bench::process::Cost;

/// Everything known about a run.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) run: u64,
    pub(super) requests: Requests,
    /// Uncompressed bytes of one request.
    pub(super) n_bytes: u64,
    pub(super) account: Account,
    /// Where a sink was named.
    pub(super) verdict: Option<Verdict>,
    /// Where a process was named.
    pub(super) cost: Option<Cost>,
    /// Until the last reply.
    pub(super) sent_for: Duration,
    /// Until the sink had everything, or was given up on.
    pub(super) settled_after: Duration,
}

/// What was sent, and how.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    pub(super) signal: &'static str,
    pub(super) protocol: &'static str,
    pub(super) compression: &'static str,
    pub(super) item_bytes: u32,
    pub(super) batch: u32,
    pub(super) rate: Option<f64>,
    pub(super) connections: u16,
    pub(super) in_flight: u16,
    pub(super) seed: u64,
    pub(super) pid: Option<u32>,
}

const QUANTILES: [(&str, u64); 4] = [("p50", 500), ("p90", 900), ("p99", 990), ("p999", 999)];

impl Report {
    /// Whether an acknowledged item never arrived.
    pub(super) fn lost_any(&self) -> bool {
        self.verdict.is_some_and(|v| v.n_lost > 0)
    }

    /// Stable: fields are only added.
    pub(super) fn json(&self) -> Value {
        let (r, a) = (&self.requests, &self.account);
        let tally = |t: Tally| json!({"requests": t.n_requests, "items": t.n_items});
        let mut latency: serde_json::Map<String, Value> = QUANTILES
            .iter()
            .map(|(name, q)| ((*name).to_owned(), json!(a.latencies.quantile(*q).map(millis))))
            .collect();
        latency.insert("max".to_owned(), json!(a.latencies.longest().map(millis)));
        json!({
            "schema": 1,
            "run": format!("{:016x}", self.run),
            "signal": r.signal,
            "protocol": r.protocol,
            "compression": r.compression,
            "item_bytes": r.item_bytes,
            "batch": r.batch,
            "request_bytes": self.n_bytes,
            "rate": r.rate,
            "connections": r.connections,
            "in_flight": r.in_flight,
            "seed": r.seed,
            "seconds": {"sent": self.sent_for.as_secs_f64(), "settled": self.settled_after.as_secs_f64()},
            "sent": tally(a.sent),
            "acked": tally(a.acknowledged),
            "rejected_items": a.n_rejected,
            "given_up": tally(a.given_up),
            "resent_requests": a.n_resent,
            "refused_requests": a.refused,
            "latency_ms": latency,
            "sink": self.verdict.map(|v| json!({
                "arrived": v.n_arrived,
                "lost": v.n_lost,
                "duplicated": v.n_duplicated,
                "unacknowledged": v.n_unacknowledged,
            })),
            "process": self.cost.map(|cost| json!({
                "pid": r.pid,
                "cpu_seconds": cost.cpu_seconds,
                "cpu_seconds_per_million_items": self.cpu_per_million(cost),
                "cpu_cores": self.cores(cost),
                "rss_bytes": cost.rss_bytes,
                "peak_rss_bytes": cost.peak_rss_bytes,
            })),
        })
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let (r, a) = (&self.requests, &self.account);
        let mut text = format!(
            "run {:016x}: {} over {}, compression {}, {} items of about {} bytes per request, seed {}\n",
            self.run, r.signal, r.protocol, r.compression, r.batch, r.item_bytes, r.seed
        );
        let rate = r.rate.map_or("as fast as it goes".to_owned(), |n| format!("{n} items/s"));
        let (n, m) = (r.connections, r.in_flight);
        let _ = writeln!(text, "{rate}, {n} connections, {m} requests in flight\n");
        let _ = writeln!(text, "{:<16}{:>14}{:>14}", "", "requests", "items");
        for (name, t) in [("sent", a.sent), ("acked", a.acknowledged), ("given up", a.given_up)] {
            let _ = writeln!(text, "{name:<16}{:>14}{:>14}", t.n_requests, t.n_items);
        }
        if a.n_resent > 0 {
            let _ = writeln!(text, "{:<16}{:>14}", "sent again", a.n_resent);
        }
        if a.n_rejected > 0 {
            let _ = writeln!(text, "{:<16}{:>14}{:>14}", "not taken", "", a.n_rejected);
        }
        for (code, n) in &a.refused {
            let _ = writeln!(text, "{:<16}{n:>14}", format!("  {code}"));
        }
        self.arrivals(&mut text);
        self.speed(&mut text);
        text
    }

    fn arrivals(&self, text: &mut String) {
        let Some(v) = self.verdict else {
            text.push_str("lost and duplicated are not known: name a sink with --sink\n");
            return;
        };
        for (name, n) in [
            ("arrived", v.n_arrived),
            ("lost", v.n_lost),
            ("duplicated", v.n_duplicated),
            ("not acked", v.n_unacknowledged),
        ] {
            let _ = writeln!(text, "{name:<16}{:>14}{n:>14}", "");
        }
    }

    fn speed(&self, text: &mut String) {
        let (a, sent_for) = (&self.account, self.sent_for.as_secs_f64());
        let per_second = count(a.acknowledged.n_items) / sent_for.max(1e-9);
        let megabytes = count(a.acknowledged.n_requests * self.n_bytes) / sent_for.max(1e-9) / 1e6;
        let _ = writeln!(
            text,
            "\n{sent_for:.2} s, {per_second:.0} items/s, {megabytes:.1} MB/s uncompressed"
        );
        let latency =
            |d: Option<Duration>| d.map_or("-".to_owned(), |d| format!("{:.2}", millis(d)));
        text.push_str("latency in ms:");
        for (name, q) in QUANTILES {
            let _ = write!(text, " {name} {}", latency(a.latencies.quantile(q)));
        }
        let _ = writeln!(text, " max {}", latency(a.latencies.longest()));
        if let Some(cost) = self.cost {
            let per_million = self.cpu_per_million(cost);
            let _ = writeln!(
                text,
                "process {}: {:.2} CPU s, {} per million items, {:.3} cores, peak {:.1} MiB, now {:.1} MiB",
                self.requests.pid.unwrap_or_default(),
                cost.cpu_seconds,
                per_million.map_or("-".to_owned(), |s| format!("{s:.3}")),
                self.cores(cost),
                count(cost.peak_rss_bytes) / f64::from(1 << 20),
                count(cost.rss_bytes) / f64::from(1 << 20),
            );
        }
    }

    /// By what arrived where that is known, else by what was acknowledged.
    fn cpu_per_million(&self, cost: Cost) -> Option<f64> {
        let acked = self.account.acknowledged.n_items;
        let n = self.verdict.map_or(acked, |v| v.n_arrived);
        (n > 0).then(|| cost.cpu_seconds * 1e6 / count(n))
    }

    fn cores(&self, cost: Cost) -> f64 {
        cost.cpu_seconds / self.settled_after.as_secs_f64().max(1e-9)
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Counts of a run stay far below the 2^53 that a double holds exactly.
#[allow(clippy::cast_precision_loss)]
fn count(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(all: bool) -> Report {
        let mut account = Account::default();
        for nth in 0..4 {
            let mut place = Account::default();
            place.sent.add(100);
            if nth < 3 {
                place.acknowledge(100, nth);
                place.latencies.record(Duration::from_micros(1_500 * (nth + 1)));
            } else {
                place.given_up.add(100);
                place.refused = [("UNAVAILABLE".to_owned(), 2)].into();
                place.n_resent = 1;
            }
            account.merge(place);
        }
        let verdict =
            Verdict { n_arrived: 250, n_duplicated: 10, n_lost: 75, n_unacknowledged: 25 };
        let cost = Cost { cpu_seconds: 0.5, rss_bytes: 15 << 20, peak_rss_bytes: 16 << 20 };
        Report {
            run: 0xfeed_0000_1234_5678,
            requests: Requests {
                signal: "traces",
                protocol: "grpc",
                compression: "gzip",
                item_bytes: 300,
                batch: 100,
                rate: all.then_some(10_000.0),
                connections: 1,
                in_flight: 8,
                seed: 1,
                pid: all.then_some(42),
            },
            n_bytes: 30_000,
            account,
            verdict: all.then_some(verdict),
            cost: all.then_some(cost),
            sent_for: Duration::from_millis(1_250),
            settled_after: Duration::from_secs(2),
        }
    }

    #[test]
    fn tables() {
        insta::assert_snapshot!("with_everything", report(true).table());
        insta::assert_snapshot!("without_a_sink", report(false).table());
        assert!(report(true).lost_any() && !report(false).lost_any());
    }

    #[test]
    fn json() {
        let text = serde_json::to_string_pretty(&report(true).json()).unwrap();
        insta::assert_snapshot!("json", text);
        assert_eq!(report(false).json()["sink"], Value::Null);
        assert_eq!(report(false).json()["process"], Value::Null);
    }
}
