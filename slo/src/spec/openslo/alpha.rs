//! OpenSLO `v1alpha` as Sloth reads it: ratios of good events over the default period, without alerts.

use crate::finding::{Code, Spot};
use crate::length::Length;
use crate::model::{Alerting, Channel, Indicator, Missing, Objective, Origin, Period};
use crate::number::tidy;
use crate::spec::Document;
use crate::spec::common::{camel, check_name, check_query, check_target};
use crate::yaml::{Cx, Fields, Tree};

use super::{envelope, free, unsupported};

/// Reads one document; each objective of an SLO becomes one of ours, its number after the name.
pub(in crate::spec) fn read_alpha(
    cx: &mut Cx<'_>,
    doc: &Document<'_>,
    period: Length,
) -> Vec<Objective> {
    let Some((kind, metadata, spec)) = envelope(cx, &doc.tree) else { return Vec::new() };
    if !check_name(cx, "a document", &metadata.name) {
        return Vec::new();
    }
    match kind.value.as_str() {
        "SLO" => read_slo(cx, doc, &metadata.name, spec, period).unwrap_or_default(),
        "Service" => {
            free(cx, spec, "a Service", &["description"]);
            Vec::new()
        }
        other => {
            let message = format!("`{other}` of openslo/v1alpha is not read here");
            cx.error_with(Code::UnknownDocument, kind.at, message, "write it as openslo/v1");
            Vec::new()
        }
    }
}

fn read_slo(
    cx: &mut Cx<'_>,
    doc: &Document<'_>,
    name: &Spot<String>,
    spec: &Tree,
    period: Length,
) -> Option<Vec<Objective>> {
    let mut fields = Fields::of(cx, spec, "the SLO")?;
    let service = fields.need_text(cx, &["service"]);
    let service = service.filter(|name| check_name(cx, "a service", name));
    let description = fields.text(cx, &["description"]).map(|t| t.value).unwrap_or_default();
    let method = fields.text(cx, &["budgetingMethod"]);
    let indicator = fields.get(&["indicator"]);
    let windows = fields.list(cx, &["timeWindows"]);
    let goals = fields.list(cx, &["objectives"]);
    let at = fields.at;
    fields.finish(cx);
    if goals.is_empty() {
        cx.error(Code::MissingKey, at, "the SLO needs `objectives` with one at least");
    }
    let mut sound = check_windows(cx, windows, period);
    if let Some(method) = method.filter(|m| m.value != "Occurrences") {
        unsupported(cx, method.at, &format!("`{}` of openslo/v1alpha", method.value));
        sound = false;
    }
    if let Some(tree) = indicator {
        unsupported(cx, tree.at, "a threshold indicator of openslo/v1alpha (openslo/v1 is)");
        sound = false;
    }
    let read: Vec<_> = goals.iter().map(|goal| read_goal(cx, goal)).collect();
    let service = service?;
    let mut objectives = Vec::new();
    for (n, goal) in read.into_iter().enumerate() {
        let (target, indicator) = goal?;
        let name = format!("{}-{n}", name.value);
        let off = Channel { disabled: true, ..Channel::default() };
        let alerting = Alerting {
            page: off.clone(),
            ticket: off,
            missing: Missing::Off,
            ..Alerting::named(format!("{}{}", camel(&service.value), camel(&name)))
        };
        objectives.push(Objective {
            service: service.value.clone(),
            name,
            description: description.clone(),
            origin: Origin {
                file: doc.file.to_owned(),
                document: doc.number,
                at: doc.tree.at,
                spec: "openslo/v1alpha",
                mode: "cli-gen-openslo",
                object: None,
            },
            target,
            period: Period::Rolling(period),
            indicator,
            labels: Default::default(),
            info_labels: Default::default(),
            alerting,
            traffic: Default::default(),
            intervals: Default::default(),
        });
    }
    sound.then_some(objectives)
}

/// Sloth takes no other period than its default one from this format.
fn check_windows(cx: &mut Cx<'_>, windows: &[Tree], period: Length) -> bool {
    let [window] = windows else {
        if let Some(second) = windows.get(1) {
            cx.error(Code::BadValue, second.at, "`timeWindows` is a list of one window");
        }
        return windows.is_empty();
    };
    let Some(mut fields) = Fields::of(cx, window, "a time window") else { return false };
    let count = fields.number(cx, &["count"]);
    let unit = fields.text(cx, &["unit"]);
    let rolling = fields.flag(cx, &["isRolling"]).is_none_or(|f| f.value);
    let calendar = fields.get(&["calendar"]);
    fields.finish(cx);
    if let Some(tree) = calendar.filter(|_| !rolling) {
        unsupported(cx, tree.at, "a calendar window of openslo/v1alpha (openslo/v1 is)");
        return false;
    }
    let (Some(count), Some(unit)) = (count, unit) else {
        cx.error(Code::MissingKey, window.at, "a time window needs `count` and `unit`");
        return false;
    };
    let days = if unit.value.eq_ignore_ascii_case("day") { count.value } else { 0.0 };
    if days * 86_400.0 == period.seconds() {
        return true;
    }
    let message =
        format!("a window of {} {} is not the default period {period}", count.value, unit.value);
    let hint = "openslo/v1alpha has one period for all: give it with --period, or write openslo/v1";
    cx.error_with(Code::Unsupported, count.at, message, hint);
    false
}

fn read_goal(cx: &mut Cx<'_>, tree: &Tree) -> Option<(Spot<f64>, Indicator)> {
    let mut fields = Fields::of(cx, tree, "an objective")?;
    fields.text(cx, &["displayName"]);
    let value = fields.get(&["value"]);
    let op = fields.get(&["op"]);
    fields.need(cx, &["target"]);
    let target = fields.number(cx, &["target"]);
    let ratio = fields.get(&["ratioMetrics"]);
    let at = fields.at;
    fields.finish(cx);
    let Some(ratio) = ratio else {
        let at = op.or(value).map_or(at, |t| t.at);
        unsupported(cx, at, "an objective of openslo/v1alpha without `ratioMetrics`");
        return None;
    };
    let mut fields = Fields::of(cx, ratio, "`ratioMetrics`")?;
    fields.flag(cx, &["incremental", "counter"]);
    let good = fields.need(cx, &["good"]);
    let total = fields.need(cx, &["total"]);
    fields.finish(cx);
    let (good, total) = (read_query(cx, good?), read_query(cx, total?));
    let target = target?;
    let percent = Spot { value: tidy(target.value * 100.0), at: target.at };
    let target = check_target(cx, percent)?;
    Some((target, Indicator::Good { good: good?, total: total? }))
}

fn read_query(cx: &mut Cx<'_>, tree: &Tree) -> Option<Spot<String>> {
    let mut fields = Fields::of(cx, tree, "a metric")?;
    let source = fields.need_text(cx, &["source"]);
    let kind = fields.need_text(cx, &["queryType"]);
    let query = fields.need_text(cx, &["query"]);
    fields.finish(cx);
    let (source, kind) = (source?, kind?);
    if !["prometheus", "sloth"].contains(&source.value.as_str()) {
        unsupported(cx, source.at, &format!("the source `{}` (prometheus is)", source.value));
        return None;
    }
    if kind.value != "promql" {
        unsupported(cx, kind.at, &format!("the query type `{}` (promql is)", kind.value));
        return None;
    }
    check_query(cx, query?, Code::Unsupported)
}
