//! What `perch up` prints when everything stands: one table, or one line of JSON.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::backends::Kind;
use super::demo::Packed;
use super::fleet::{Standing, millis};
use super::options::Listeners;
use super::supervisor::State;

/// Everything the report tells.
#[derive(Debug)]
pub(super) struct Report<'a> {
    /// How each component stands, in the order of starting.
    pub(super) standings: &'a [Standing],
    /// All addresses.
    pub(super) listen: &'a Listeners,
    /// Servers that were looked for and not found.
    pub(super) missing: &'a [Kind],
    /// The sign-in token.
    pub(super) token: &'a str,
    /// What the demo packed.
    pub(super) demo: Option<&'a Packed>,
    /// From the call to ready.
    pub(super) took: Duration,
    /// The Engine's state folder, which holds what signs tokens.
    pub(super) engine_state: &'a Path,
    /// Whether the token may be printed in the table: only to a terminal.
    pub(super) terminal: bool,
}

impl Report<'_> {
    /// The table for people, without colours.
    pub(super) fn table(&self) -> String {
        let mut rows = vec![["what", "address", "state", "ready after"].map(String::from)];
        for standing in self.standings {
            let (state, after) = match &standing.state {
                State::Ready { took, .. } => ("ready".to_owned(), format!("{} ms", millis(*took))),
                State::Failed(why) => (format!("failed: {why}"), String::new()),
                State::Restarting => ("restarting".to_owned(), String::new()),
                State::Starting | State::Stopped(_) => ("not running".to_owned(), String::new()),
            };
            rows.push([standing.name.to_owned(), standing.address.clone(), state, after]);
            for (what, address) in self.doors(standing.name) {
                rows.push([what.to_owned(), address, String::new(), String::new()]);
            }
        }
        let seconds = self.took.as_secs_f64();
        let mut text = format!("Nestr and Perch are up after {seconds:.1} s\n\n");
        text.push_str(&columns(&rows));
        text.push('\n');
        self.notes(&mut text);
        text
    }

    fn notes(&self, text: &mut String) {
        for standing in self.standings.iter().filter(|s| matches!(s.state, State::Failed(_))) {
            let _ = writeln!(text, "{} failed, its log: {}", standing.name, standing.log);
        }
        let buildable = self.missing.iter().filter(|kind| kind.buildable());
        let names: Vec<_> = buildable.map(|kind| kind.name()).collect();
        if !names.is_empty() {
            let names = names.join(", ");
            let _ = writeln!(
                text,
                "not found: {names} (`make backends` builds them; all else works without)"
            );
        }
        if let Some(packed) = self.demo {
            let _ = writeln!(
                text,
                "the sample tree is Pellet {}, trace {}",
                packed.digest, packed.trace_id
            );
        }
        let token = if self.terminal {
            self.token.to_owned()
        } else {
            let folder = self.engine_state.display();
            format!("shown on a terminal only; `nestr token create --state-dir {folder}` makes one")
        };
        let _ = write!(
            text,
            "\n  open      {}\n  sign in   {token}\n  stop      ctrl-C\n",
            self.listen.engine.url()
        );
    }

    /// Further addresses of a component, shown beneath it.
    fn doors(&self, component: &str) -> Vec<(&'static str, String)> {
        let listen = self.listen;
        match component {
            super::plan::ENGINE => {
                vec![("  metrics", format!("{}/metrics", listen.engine_metrics.url()))]
            }
            super::plan::COLLECTOR => {
                vec![("  OTLP gRPC", listen.otlp_grpc.url()), ("  perch API", listen.api.url())]
            }
            _ => Vec::new(),
        }
    }

    /// One line with everything a program needs.
    pub(super) fn json(&self) -> Value {
        let listen = self.listen;
        let ready = |s: &&Standing| matches!(s.state, State::Ready { .. });
        let is_backend =
            |s: &&Standing| ![super::plan::ENGINE, super::plan::COLLECTOR].contains(&s.name);
        let backends: serde_json::Map<String, Value> = self
            .standings
            .iter()
            .filter(is_backend)
            .filter(ready)
            .map(|s| (s.name.to_owned(), json!(s.address)))
            .collect();
        json!({
            "engine": {"url": listen.engine.url()},
            "engine_metrics": {"url": format!("{}/metrics", listen.engine_metrics.url())},
            "perch": {"url": listen.api.url()},
            "otlp": {"grpc": listen.otlp_grpc.url(), "http": listen.otlp_http.url()},
            "backends": backends,
            "missing": self.missing.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
            "token": self.token,
            "demo": self.demo,
            "components": self.standings.iter().map(component).collect::<Vec<_>>(),
        })
    }
}

fn component(standing: &Standing) -> Value {
    let (state, pid, ready_ms, error) = match &standing.state {
        State::Ready { pid, took } => ("ready", Some(*pid), Some(millis(*took)), None),
        State::Failed(why) => ("failed", None, None, Some(why)),
        State::Restarting => ("restarting", None, None, None),
        State::Starting | State::Stopped(_) => ("not-running", None, None, None),
    };
    let Standing { name, address, log, .. } = standing;
    json!({"name": name, "address": address, "state": state, "pid": pid, "ready_ms": ready_ms,
        "error": error, "log": log})
}

/// Lays rows out in columns two spaces apart; the last column is not padded.
fn columns(rows: &[[String; 4]]) -> String {
    let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for [a, b, c, d] in rows {
        let [wa, wb, wc] = widths;
        let line = format!("  {a:wa$}  {b:wb$}  {c:wc$}  {d}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::options::Addresses;
    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        addresses: Addresses,
    }

    fn standing(name: &'static str, address: &str, state: State) -> Standing {
        Standing { name, address: address.into(), state, log: format!("/state/{name}.log") }
    }

    fn ready(ms: u64) -> State {
        State::Ready { pid: 7, took: Duration::from_millis(ms) }
    }

    fn with_report<T>(terminal: bool, look: impl Fn(&Report<'_>) -> T) -> T {
        let listen = Flags::parse_from(["perch"]).addresses.into();
        let standings = [
            standing("prometheus", "http://127.0.0.1:9091", ready(612)),
            standing(
                "jaeger",
                "http://127.0.0.1:16686",
                State::Failed("not ready within 90 s".into()),
            ),
            standing("collector", "http://127.0.0.1:4318", ready(80)),
            standing("engine", "http://127.0.0.1:8080", ready(143)),
        ];
        let demo = Packed { operation: "op1".into(), digest: "b3".into(), trace_id: "0af7".into() };
        look(&Report {
            standings: &standings,
            listen: &listen,
            missing: &[Kind::Loki, Kind::Grafana],
            token: "the-token",
            demo: Some(&demo),
            took: Duration::from_millis(1234),
            engine_state: Path::new("/state/nestr"),
            terminal,
        })
    }

    #[test]
    fn table() {
        insta::assert_snapshot!(with_report(true, |r| r.table()));
    }

    #[test]
    fn a_table_that_goes_to_a_file_holds_no_token() {
        assert!(!with_report(false, |r| r.table()).contains("the-token"));
    }

    #[test]
    fn json() {
        insta::assert_snapshot!(with_report(false, |r| format!("{:#}", r.json())));
    }
}
