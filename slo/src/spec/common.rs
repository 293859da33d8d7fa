//! What the formats share: names, targets, queries and our own settings inside theirs.

use std::collections::BTreeMap;

use crate::finding::{At, Code, Spot};
use crate::length::Length;
use crate::model::{Intervals, Missing, Traffic};
use crate::promql;
use crate::yaml::{Cx, Fields};

/// Sloth's rule: letters, digits, `-`, `_` and `.`, a letter or digit at both ends, two at least.
pub(super) fn check_name(cx: &mut Cx<'_>, what: &str, name: &Spot<String>) -> bool {
    let text = name.value.as_bytes();
    let ends = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let inside = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
    if text.len() >= 2 && ends(text.first()) && ends(text.last()) && text.iter().all(inside) {
        return true;
    }
    let message = format!("`{}` is no name of {what}", name.value);
    let hint = "two or more letters, digits, `-`, `_` or `.`, with a letter or digit at both ends";
    cx.error_with(Code::BadValue, name.at, message, hint);
    false
}

/// A target in per cent.
pub(super) fn check_target(cx: &mut Cx<'_>, target: Spot<f64>) -> Option<Spot<f64>> {
    let value = target.value;
    if value == 100.0 {
        let message = "a target of 100 % leaves no budget that could burn";
        cx.error(Code::Unsupported, target.at, message);
        return None;
    }
    if !(value > 0.0 && value < 100.0) {
        let message = format!("a target of {value} % does not lie between 0 and 100");
        cx.error(Code::BadValue, target.at, message);
        return None;
    }
    Some(target)
}

/// A query that is PromQL and mentions its window.
pub(super) fn check_query(
    cx: &mut Cx<'_>,
    query: Spot<String>,
    code: Code,
) -> Option<Spot<String>> {
    if !promql::mentions_window(&query.value) {
        let message = "the query never mentions `{{.window}}`";
        let hint = "write the range as `[{{.window}}]`: it is filled in once per window";
        cx.error_with(code, query.at, message, hint);
        return None;
    }
    if let Err(message) = promql::parse(&query.value) {
        cx.error(Code::BadPromql, query.at, message.replace('\n', " "));
        return None;
    }
    Some(query)
}

/// Label names and values that Prometheus takes.
pub(super) fn check_labels(cx: &mut Cx<'_>, at: At, labels: &BTreeMap<String, String>) {
    for name in labels.keys() {
        let mut letters = name.chars();
        let first = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !first || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let message = format!("`{name}` is no label name");
            cx.error(Code::BadValue, at, message);
        } else if name.starts_with("__") || name.starts_with("sloth_") || name == "slo_tier" {
            cx.error(Code::BadValue, at, format!("the label `{name}` is set by the rules"));
        }
    }
}

/// Settings of ours: `perch.dev/traffic/v1` in a plugin chain, or annotations of that prefix.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) traffic: Traffic,
    pub(super) missing: Option<Missing>,
    pub(super) intervals: Intervals,
    pub(super) info_labels: BTreeMap<String, String>,
}

impl Settings {
    /// Reads the settings of the plugin `perch.dev/traffic/v1`.
    pub(super) fn read_traffic(&mut self, cx: &mut Cx<'_>, mut fields: Fields<'_>) {
        let traffic = &mut self.traffic;
        if let Some(n) = fields.number(cx, &["eventsPerHour"]) {
            traffic.per_hour = Some(n.value).filter(|n| *n > 0.0);
        }
        if let Some(n) = fields.number(cx, &["minFailures"]) {
            match small(n.value) {
                Some(floor) => traffic.floor = floor,
                None => cx.error(Code::BadValue, n.at, "`minFailures` is a count from 0 to 10000"),
            }
        }
        if let Some(n) = fields.number(cx, &["confidence"]) {
            if (0.0..1.0).contains(&n.value) {
                traffic.confidence = n.value;
            } else {
                cx.error(Code::BadValue, n.at, "`confidence` lies between 0 and 1, such as 0.95");
            }
        }
        if let Some(l) = fields.length(cx, &["scrapeInterval"]) {
            traffic.scrape = l.value;
        }
        if let Some(text) = fields.text(cx, &["missing"]) {
            self.read_missing(cx, &text);
        }
        fields.finish(cx);
    }

    /// Reads annotations `perch.dev/…` of an object.
    pub(super) fn read_annotations(
        &mut self,
        cx: &mut Cx<'_>,
        at: At,
        annotations: &BTreeMap<String, String>,
    ) {
        for (key, value) in annotations {
            let Some(name) = key.strip_prefix("perch.dev/") else { continue };
            let number = value.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
            let taken = match (name, number) {
                ("events-per-hour", Some(n)) => {
                    self.traffic.per_hour = Some(n).filter(|n| *n > 0.0);
                    true
                }
                ("min-failures", Some(n)) => {
                    small(n).map(|floor| self.traffic.floor = floor).is_some()
                }
                ("confidence", Some(n)) if n < 1.0 => {
                    self.traffic.confidence = n;
                    true
                }
                ("scrape-interval", _) => Length::parse(value)
                    .filter(|l| l.0 > 0)
                    .map(|l| self.traffic.scrape = l)
                    .is_some(),
                ("missing", _) => {
                    self.read_missing(cx, &Spot { value: value.clone(), at });
                    true
                }
                _ => false,
            };
            if !taken {
                let message = format!("the annotation `{key}: {value}` has no meaning");
                let hint =
                    "known: events-per-hour, min-failures, confidence, scrape-interval, missing";
                cx.error_with(Code::BadValue, at, message, hint);
            }
        }
    }

    fn read_missing(&mut self, cx: &mut Cx<'_>, text: &Spot<String>) {
        self.missing = match text.value.as_str() {
            "ticket" => Some(Missing::Ticket),
            "info" => Some(Missing::Info),
            "off" => Some(Missing::Off),
            other => {
                let message = format!("`missing` is ticket, info or off, not `{other}`");
                cx.error(Code::BadValue, text.at, message);
                None
            }
        };
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range is checked")]
fn small(n: f64) -> Option<u32> {
    ((0.0..=10_000.0).contains(&n) && n.fract() == 0.0).then_some(n as u32)
}

/// `pellet-compress_availability` becomes `PelletCompressAvailability`.
pub(super) fn camel(name: &str) -> String {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        })
        .collect()
}
