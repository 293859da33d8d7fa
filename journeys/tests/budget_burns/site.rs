//! Generated rules in a real Prometheus, generated routes in a real Alertmanager, and who is paged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use journeys::{Client, Server, Stack, Webhook, binary, escaped};
use serde_json::{Map, Value};
use tempfile::TempDir;

/// The alert on packings that fail.
pub const ALERT: &str = "NestrPelletCompressFails";
/// Seconds between scrapes.
pub const SCRAPE: f64 = 1.0;
/// Seconds between evaluations: a fifth of the shortest window.
pub const EVALUATION: f64 = 2.0;
/// Nothing listens there: what a link to a dashboard must hold is judged by the rendered file.
pub const GRAFANA: &str = "http://grafana.invalid";

/// Both servers and the receiver.
pub struct Site {
    prometheus: Server,
    _alertmanager: Server,
    pages: Webhook,
    objectives: Value,
    _folder: TempDir,
}

/// An alert as the receiver got it; times in seconds since the epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    pub status: String,
    pub labels: Map<String, Value>,
    pub annotations: Map<String, Value>,
    pub starts_at: f64,
    pub ends_at: f64,
}

impl Site {
    pub fn start(stack: &Stack) -> Self {
        let folder = TempDir::new().unwrap();
        let sources = sources(folder.path());
        let objectives = perch(&["slo", "validate", "--json", "--period", "2h"], &sources);
        let out = folder.path().join("out");
        let api = stack.ready()["perch"]["url"].as_str().unwrap();
        perch(
            &[
                "slo",
                "generate",
                "--json",
                "--period",
                "2h",
                "--out",
                out.to_str().unwrap(),
                "--runbooks",
                &format!("{api}/runbooks"),
                "--dashboard",
                &format!(
                    "{GRAFANA}/d/perch-slo?var-service={{service}}&var-slo={{slo}}&from={{from}}&to={{to}}"
                ),
                "--traces",
                &format!(
                    "{api}/api/traces?service={{service}}&{{filter}}&start={{start}}&end={{end}}"
                ),
            ],
            &sources,
        );
        let pages = Webhook::listen();
        let routes = fs::read_to_string(out.join("alertmanager/slo.yaml")).unwrap();
        let integrated =
            format!("- name: page\n  webhook_configs: [{{url: \"{}\"}}]\n", pages.url());
        assert!(routes.contains("- name: page\n"), "{routes}");
        let alertmanager = Server::alertmanager(&routes.replace("- name: page\n", &integrated));
        let metrics = stack.ready()["engine_metrics"]["url"].as_str().unwrap();
        let target = metrics.trim_start_matches("http://").trim_end_matches("/metrics");
        let config = format!(
            "global: {{scrape_interval: {SCRAPE}s}}\n\
             rule_files: [\"{}/*.yaml\"]\n\
             scrape_configs: [{{job_name: nestr/nestr, static_configs: [{{targets: [\"{target}\"]}}]}}]\n\
             alerting: {{alertmanagers: [{{static_configs: [{{targets: [\"{}\"]}}]}}]}}\n",
            out.join("rules").display(),
            alertmanager.url().trim_start_matches("http://"),
        );
        let prometheus = Server::prometheus(&config, &[]);
        Self { prometheus, _alertmanager: alertmanager, pages, objectives, _folder: folder }
    }

    pub fn prometheus(&self) -> Client {
        self.prometheus.client()
    }

    /// The one value of a query.
    pub fn number(&self, query: &str) -> f64 {
        self.value(query).unwrap_or_else(|reply| panic!("{query}: {reply}"))
    }

    /// Whether a query's one value is so great.
    pub fn at_least(&self, query: &str, least: f64) -> Result<(), String> {
        let value = self.value(query)?;
        if value >= least { Ok(()) } else { Err(value.to_string()) }
    }

    fn value(&self, query: &str) -> Result<f64, String> {
        let reply =
            self.prometheus().get(&format!("/api/v1/query?query={}", escaped(query)))?.ok()?;
        let value = reply["data"]["result"][0]["value"][1].as_str();
        value.and_then(|v| v.parse().ok()).ok_or_else(|| reply.to_string())
    }

    /// Every alert of every notification, in order.
    pub fn pages(&self) -> Vec<Alert> {
        let received = self.pages.received();
        received
            .iter()
            .flat_map(|body| body["alerts"].as_array().into_iter().flatten())
            .map(Alert::of)
            .collect()
    }

    /// What was last told of each tier of an alert.
    pub fn tiers_of(&self, name: &str) -> Vec<Alert> {
        let mut tiers: Vec<Alert> = Vec::new();
        for alert in self.pages().into_iter().filter(|a| a.labels["alertname"] == name) {
            tiers.retain(|known| known.labels != alert.labels);
            tiers.push(alert);
        }
        tiers
    }

    /// What is computed of an alert's tier.
    pub fn tier(&self, alert: &Alert) -> Value {
        let list = |value: &Value| value.as_array().unwrap().clone();
        let objectives = list(&self.objectives["objectives"]);
        let own = objectives.iter().find(|o| o["id"] == alert.labels["sloth_id"]).unwrap();
        let tiers = list(&own["tiers"]);
        tiers.into_iter().find(|t| t["name"] == alert.labels["slo_tier"]).unwrap()
    }
}

impl Alert {
    pub fn is_firing(&self) -> bool {
        self.status == "firing"
    }

    fn of(alert: &Value) -> Self {
        let map = |key: &str| alert[key].as_object().unwrap().clone();
        let time = |key: &str| seconds(alert[key].as_str().unwrap());
        Self {
            status: alert["status"].as_str().unwrap().to_owned(),
            labels: map("labels"),
            annotations: map("annotations"),
            starts_at: time("startsAt"),
            ends_at: time("endsAt"),
        }
    }
}

/// The shipped objectives of the Engine, with the traffic and the scrapes of this journey, and those that it adds.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let repo = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shipped = fs::read_to_string(repo.join("../slo/objectives/engine.yaml")).unwrap();
    let traffic = "scrapeInterval: 1s, eventsPerHour: 7200";
    assert!(shipped.contains("scrapeInterval: 1m"), "{shipped}");
    let engine = folder.join("engine.yaml");
    fs::write(&engine, shipped.replace("scrapeInterval: 1m", traffic)).unwrap();
    vec![engine, repo.join("tests/budget_burns/objectives.yaml")]
}

/// Runs `perch` and reads what it prints.
fn perch(args: &[&str], files: &[PathBuf]) -> Value {
    let out = Command::new(binary("perch")).args(args).args(files).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}{}", text(&out.stdout), text(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Seconds since the epoch of an RFC 3339 time in UTC; 0 of the zero time.
fn seconds(time: &str) -> f64 {
    let number =
        |range: std::ops::Range<usize>| time.get(range).and_then(|t| t.parse::<i64>().ok());
    let parts = (number(0..4), number(5..7), number(8..10), number(11..13), number(14..16));
    let (Some(year), Some(month), Some(day), Some(hour), Some(minute)) = parts else {
        panic!("no time: {time}")
    };
    assert!(time.ends_with('Z'), "not in UTC: {time}");
    if year < 1970 {
        return 0.0;
    }
    // Days from the civil calendar, with years that begin in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
    let whole = (days * 86_400 + hour * 3_600 + minute * 60) as f64;
    whole + time[17..time.len() - 1].parse::<f64>().unwrap()
}
