//! `/readyz`: what is ready and what is not, as text for people and as JSON for programs.
//!
//! A configuration that was refused takes nothing from readiness: the one before is in force.

use std::fmt::Write;
use std::time::Duration;

use collector_pipeline::graph::{NodeHealth, NodeState, PipelineHealth, Trouble};
use serde_json::{Value, json};

use super::current::Reloaded;

/// What readiness is made of.
pub(super) struct State<'a> {
    pub(super) nodes: &'a [NodeHealth],
    pub(super) pipelines: &'a [PipelineHealth],
    pub(super) draining: bool,
    pub(super) n_lag_bytes: u64,
    pub(super) reloaded: Option<&'a Reloaded>,
    /// The present instant, in nanoseconds since the Unix epoch.
    pub(super) now: u64,
}

impl State<'_> {
    fn is_ready(&self) -> bool {
        !self.draining && self.nodes.iter().all(|n| n.state == NodeState::Ready)
    }

    /// Seconds since an instant.
    fn age(&self, at: u64) -> f64 {
        let age = Duration::from_nanos(self.now.saturating_sub(at)).as_secs_f64();
        (age * 1_000.0).round() / 1_000.0
    }

    /// When the oldest item was received that waits for an exporter, in any pipeline.
    fn oldest(&self, node: &str) -> Option<u64> {
        let exporter = node.strip_prefix("exporter/")?;
        let queues = self.pipelines.iter().flat_map(|p| &p.queues);
        queues.filter(|q| q.exporter == exporter).filter_map(|q| q.oldest).min()
    }

    /// One line per node, pipeline and queue, `[+]` or `[-]`, then the verdict.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for node in self.nodes {
            let sign = if node.state == NodeState::Ready { '+' } else { '-' };
            let (name, word) = (&node.node, word(node.state));
            let _ = write!(text, "[{sign}]{name} {word} for {} s", self.age(node.since));
            if let Some(at) = self.oldest(&node.node) {
                let _ = write!(text, ", oldest item {} s", self.age(at));
            }
            if node.n_restarts > 0 {
                let _ = write!(text, ", {} restarts", node.n_restarts);
            }
            let trouble = node.trouble.iter().map(|t| (": ".to_owned(), t));
            let last = node.last_error.iter().filter(|_| node.trouble.is_none());
            let last = last.map(|(at, t)| (format!(", last error {} s ago: ", self.age(*at)), t));
            for (before, Trouble { code, message }) in trouble.chain(last) {
                let _ = write!(text, "{before}{code}: {}", message.replace('\n', "; "));
            }
            text.push('\n');
        }
        for p in self.pipelines {
            let PipelineHealth { pipeline, ack, storage, n_segments, n_bytes, queues } = p;
            let place = if *storage == "disk" { "on disk" } else { "in memory" };
            let _ = writeln!(
                text,
                "[+]pipeline/{pipeline} ack {ack}, log {place}, {n_segments} segments, {n_bytes} bytes"
            );
            for q in queues {
                let _ = write!(
                    text,
                    "[+]queue/{pipeline}/{} {} items, {} bytes",
                    q.exporter, q.n_items, q.n_bytes
                );
                let oldest = q.oldest.map(|at| format!(", oldest {} s", self.age(at)));
                let _ = writeln!(text, "{}", oldest.unwrap_or_default());
            }
        }
        let _ = writeln!(text, "[+]local store, {} bytes behind", self.n_lag_bytes);
        if let Some(Reloaded { outcome, detail }) = self.reloaded {
            let sign = if is_well(outcome) { '+' } else { '-' };
            let colon = if detail.is_empty() { "" } else { ": " };
            let detail = detail.replace('\n', "; ");
            let _ = writeln!(text, "[{sign}]configuration read again, {outcome}{colon}{detail}");
        }
        text.push_str(if self.is_ready() {
            "readyz check passed\n"
        } else if self.draining {
            "readyz check failed: stopping\n"
        } else {
            "readyz check failed\n"
        });
        text
    }

    /// The same for programs; times are ages in seconds, errors bear stable codes.
    pub(super) fn json(&self) -> Value {
        let error = |at: Option<u64>, Trouble { code, message }: &Trouble| match at {
            None => json!({"code": code, "message": message}),
            Some(at) => {
                json!({"code": code, "message": message, "age_seconds": self.age(at)})
            }
        };
        let nodes = self.nodes.iter().map(|n| {
            let listeners = n
                .bound
                .iter()
                .map(|b| json!({"transport": b.transport, "addr": b.addr.to_string()}));
            json!({
                "node": n.node,
                "state": word(n.state),
                "state_seconds": self.age(n.since),
                "error": n.trouble.as_ref().map(|t| error(None, t)),
                "last_error": n.last_error.as_ref().map(|(at, t)| error(Some(*at), t)),
                "oldest_item_seconds": self.oldest(&n.node).map(|at| self.age(at)),
                "restarts": n.n_restarts,
                "listeners": listeners.collect::<Vec<_>>(),
            })
        });
        let pipelines = self.pipelines.iter().map(|p| {
            let queues = p.queues.iter().map(|q| {
                json!({
                    "exporter": q.exporter,
                    "items": q.n_items,
                    "bytes": q.n_bytes,
                    "oldest_item_seconds": q.oldest.map(|at| self.age(at)),
                })
            });
            json!({
                "pipeline": p.pipeline,
                "ack": p.ack,
                "log": {"storage": p.storage, "segments": p.n_segments, "bytes": p.n_bytes},
                "queues": queues.collect::<Vec<_>>(),
            })
        });
        let configuration = self.reloaded.map(|Reloaded { outcome, detail }| {
            let failed = (!is_well(outcome))
                .then(|| json!({"code": format!("config_{outcome}"), "message": detail}));
            let changed = failed.is_none().then_some(detail);
            json!({"outcome": outcome, "changed": changed, "error": failed})
        });
        json!({
            "ready": self.is_ready(),
            "error": self.draining.then(|| json!({"code": "stopping", "message": "the process ends"})),
            "nodes": nodes.collect::<Vec<_>>(),
            "pipelines": pipelines.collect::<Vec<_>>(),
            "store": {"lag_bytes": self.n_lag_bytes},
            "configuration": configuration,
        })
    }
}

fn word(state: NodeState) -> &'static str {
    match state {
        NodeState::Starting => "starting",
        NodeState::Ready => "ready",
        NodeState::Restarting => "restarting",
        NodeState::Stopped => "stopped",
        NodeState::Stuck => "stuck",
    }
}

fn is_well(outcome: &str) -> bool {
    matches!(outcome, "applied" | "unchanged")
}

#[cfg(test)]
mod tests {
    use collector_pipeline::graph::QueueHealth;
    use collector_pipeline::node::Bound;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn node(name: &str, state: NodeState) -> NodeHealth {
        let (trouble, last_error, n_restarts, bound) = Default::default();
        let (node, since) = (name.to_owned(), 40 * SECOND);
        NodeHealth { node, state, since, trouble, last_error, n_restarts, bound }
    }

    fn with_all(say: impl FnOnce(&State<'_>)) {
        let trouble = Trouble { code: "node_panicked", message: "index out of bounds".to_owned() };
        let stuck = Trouble { code: "log_stuck", message: "at the same for 130 s".to_owned() };
        let addr = "127.0.0.1:4317".parse().unwrap();
        let nodes = [
            NodeHealth {
                bound: vec![Bound { transport: "grpc", addr }],
                ..node("receiver/otlp", NodeState::Ready)
            },
            NodeHealth {
                n_restarts: 2,
                last_error: Some((70 * SECOND, trouble.clone())),
                ..node("exporter/loki", NodeState::Ready)
            },
            NodeHealth {
                n_restarts: 1,
                last_error: Some((99 * SECOND, trouble.clone())),
                trouble: Some(trouble),
                ..node("exporter/debug", NodeState::Restarting)
            },
            NodeHealth { trouble: Some(stuck), ..node("log/logs", NodeState::Stuck) },
        ];
        let queue = |exporter: &str, n_items, oldest| {
            let exporter = exporter.to_owned();
            QueueHealth { exporter, n_items, n_bytes: 100 * n_items, oldest }
        };
        let pipelines = [PipelineHealth {
            pipeline: "logs".to_owned(),
            ack: "durable".to_owned(),
            storage: "disk",
            n_segments: 3,
            n_bytes: 4096,
            queues: vec![queue("loki", 7, Some(97_500_000_000)), queue("debug", 0, None)],
        }];
        let reloaded = Reloaded {
            outcome: "refused",
            detail: "perch.yaml:3:4: unknown key `x`\nperch.yaml:5:1: unknown section `y`"
                .to_owned(),
        };
        say(&State {
            nodes: &nodes,
            pipelines: &pipelines,
            draining: false,
            n_lag_bytes: 12,
            reloaded: Some(&reloaded),
            now: 100 * SECOND,
        });
    }

    #[test]
    fn as_text() {
        with_all(|state| insta::assert_snapshot!(state.text()));
    }

    #[test]
    fn as_json() {
        with_all(|state| {
            let text = serde_json::to_string_pretty(&state.json()).unwrap();
            insta::assert_snapshot!(text);
        });
    }

    #[test]
    fn at_its_end() {
        let state = State {
            nodes: &[node("receiver/otlp", NodeState::Stopped)],
            pipelines: &[],
            draining: true,
            n_lag_bytes: 0,
            reloaded: None,
            now: 41 * SECOND,
        };
        insta::assert_snapshot!(format!("{}{}", state.text(), state.json()));
    }
}
