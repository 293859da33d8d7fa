//! Pyrra's `pyrra.dev/v1alpha1`, imported: what it selects becomes queries, its alerts become ours.

use std::collections::BTreeMap;

use promql_parser::parser::{Expr, VectorSelector};

use crate::finding::{Code, Spot};
use crate::model::{Alerting, Channel, Indicator, Missing, Objective, Origin, Period};
use crate::number::text;
use crate::promql;
use crate::yaml::{Cx, Fields, Tree, Value};

use super::Document;
use super::common::{Settings, check_labels, check_name, check_target};

const PREFIX: &str = "pyrra.dev/";

/// Reads one document.
pub(super) fn read(cx: &mut Cx<'_>, doc: &Document<'_>) -> Vec<Objective> {
    read_one(cx, doc).into_iter().collect()
}

fn read_one(cx: &mut Cx<'_>, doc: &Document<'_>) -> Option<Objective> {
    let mut top = Fields::of(cx, &doc.tree, "the document")?;
    top.get(&["apiVersion"]);
    top.get(&["status"]);
    let kind = top.need_text(cx, &["kind"])?;
    if kind.value != "ServiceLevelObjective" {
        let message = format!("a `{}` of pyrra.dev is not read here", kind.value);
        cx.error(Code::UnknownDocument, kind.at, message);
        return None;
    }
    let (metadata, spec) = (top.need(cx, &["metadata"]), top.need(cx, &["spec"]));
    top.finish(cx);
    let mut meta = Fields::of(cx, metadata?, "`metadata`")?;
    let name = meta.need_text(cx, &["name"]).filter(|n| check_name(cx, "an objective", n));
    let namespace = meta.text(cx, &["namespace"]);
    let mut labels = BTreeMap::new();
    for (key, value) in meta.labels(cx, &["labels"]) {
        labels
            .extend(key.strip_prefix(PREFIX).map(|key| (key.replace(['-', '.', '/'], "_"), value)));
    }
    check_labels(cx, doc.tree.at, &labels);
    let mut settings = Settings::default();
    let annotations = meta.labels(cx, &["annotations"]);
    settings.read_annotations(cx, doc.tree.at, &annotations);

    let mut fields = Fields::of(cx, spec?, "`spec`")?;
    let description = fields.text(cx, &["description"]).map(|t| t.value).unwrap_or_default();
    fields.need(cx, &["target"]);
    let target = fields.number(cx, &["target"]).and_then(|t| check_target(cx, t));
    fields.need(cx, &["window"]);
    let window = fields.length(cx, &["window"]);
    let indicator = fields.need(cx, &["indicator"]).and_then(|tree| read_indicator(cx, tree));
    let alerting = read_alerting(cx, fields.get(&["alerting"]));
    // It steers Thanos' answer to missing stores, which a rule file cannot.
    fields.text(cx, &["partial_response_strategy"]);
    fields.finish(cx);
    let mut alerting = alerting?;
    alerting.missing = settings.missing.unwrap_or(alerting.missing);
    Some(Objective {
        service: namespace.map_or_else(|| "default".to_owned(), |n| n.value),
        name: name?.value,
        description,
        origin: Origin {
            file: doc.file.to_owned(),
            document: doc.number,
            at: doc.tree.at,
            spec: "pyrra.dev/v1alpha1",
            mode: "cli-gen-pyrra",
            object: None,
        },
        target: target?,
        period: Period::Rolling(window?.value),
        indicator: indicator?,
        labels,
        info_labels: BTreeMap::new(),
        alerting,
        traffic: settings.traffic,
        intervals: settings.intervals,
    })
}

fn read_alerting(cx: &mut Cx<'_>, tree: Option<&Tree>) -> Option<Alerting> {
    let mut alerting = Alerting::named("ErrorBudgetBurn".into());
    let Some(tree) = tree else { return Some(alerting) };
    let mut fields = Fields::of(cx, tree, "`alerting`")?;
    let disabled = fields.flag(cx, &["disabled"]).is_some_and(|f| f.value);
    let burnrates = fields.flag(cx, &["burnrates"]).is_none_or(|f| f.value);
    let absent = fields.flag(cx, &["absent"]).is_none_or(|f| f.value);
    if let Some(name) = fields.text(cx, &["name"]) {
        alerting.name = name.value;
    }
    if let Some(name) = fields.text(cx, &["absentName"]) {
        let message =
            format!("the alert on absence is `{}Missing`, not `{}`", alerting.name, name.value);
        cx.error(Code::Unsupported, name.at, message);
        return None;
    }
    fields.finish(cx);
    let channel = Channel { disabled: disabled || !burnrates, ..Channel::default() };
    (alerting.page, alerting.ticket) = (channel.clone(), channel);
    if disabled || !absent {
        alerting.missing = Missing::Off;
    }
    Some(alerting)
}

fn read_indicator(cx: &mut Cx<'_>, tree: &Tree) -> Option<Indicator> {
    let mut fields = Fields::of(cx, tree, "`indicator`")?;
    let forms = ["ratio", "latency", "latencyNative", "bool_gauge"].map(|key| fields.get(&[key]));
    let at = fields.at;
    fields.finish(cx);
    match forms {
        [Some(tree), None, None, None] => {
            let (errors, total, by) = read_pair(cx, tree, "errors")?;
            Some(Indicator::Bad { bad: counted(&errors, &by), total: counted(&total, &by) })
        }
        [None, Some(tree), None, None] => {
            let (good, total, by) = read_pair(cx, tree, "success")?;
            Some(Indicator::Good { good: counted(&good, &by), total: counted(&total, &by) })
        }
        [None, None, Some(tree), None] => read_native(cx, tree),
        [None, None, None, Some(tree)] => {
            let mut fields = Fields::of(cx, tree, "`bool_gauge`")?;
            let metric = fields.need_text(cx, &["metric"]);
            let metric = selector(cx, metric);
            let by = grouping(cx, &mut fields);
            fields.finish(cx);
            let (metric, by) = (metric?, by?);
            let sum = if by.is_empty() {
                "sum".to_owned()
            } else {
                format!("sum by ({})", by.join(", "))
            };
            let q = &metric.value;
            let counts = |what: &str| Spot {
                value: format!("{sum}({what}_over_time({q}[{{{{.window}}}}]))"),
                at: metric.at,
            };
            Some(Indicator::Good { good: counts("sum"), total: counts("count") })
        }
        _ => {
            let message =
                "an indicator is exactly one of ratio, latency, latencyNative and bool_gauge";
            cx.error(Code::MissingKey, at, message);
            None
        }
    }
}

fn read_native(cx: &mut Cx<'_>, tree: &Tree) -> Option<Indicator> {
    let mut fields = Fields::of(cx, tree, "`latencyNative`")?;
    let total = fields.need(cx, &["total"]).and_then(|t| metric(cx, t));
    let latency = fields.need_text(cx, &["latency"]);
    let by = grouping(cx, &mut fields);
    fields.finish(cx);
    let (total, latency, by) = (total?, latency?, by?);
    let Some(seconds) = seconds(&latency.value) else {
        let message = format!("`{}` is no time such as 200ms or 1s", latency.value);
        cx.error(Code::BadValue, latency.at, message);
        return None;
    };
    let of = if by.is_empty() { String::new() } else { format!(" by ({})", by.join(", ")) };
    let rate = format!("sum{of}(rate({}[{{{{.window}}}}]))", total.value);
    let value = format!("1 - histogram_fraction(0, {}, {rate})", text(seconds));
    Some(Indicator::Ratio { bad: Spot { value, at: total.at } })
}

fn seconds(text: &str) -> Option<f64> {
    if let Some(ms) = text.strip_suffix("ms") {
        return ms.parse::<f64>().ok().map(|ms| ms / 1_000.0);
    }
    crate::length::Length::parse(text).map(crate::length::Length::seconds)
}

type Pair = (Spot<String>, Spot<String>, Vec<String>);

fn read_pair(cx: &mut Cx<'_>, tree: &Tree, first: &'static str) -> Option<Pair> {
    let mut fields = Fields::of(cx, tree, "the indicator")?;
    let events = fields.need(cx, &[first]).and_then(|t| metric(cx, t));
    let total = fields.need(cx, &["total"]).and_then(|t| metric(cx, t));
    let by = grouping(cx, &mut fields);
    fields.finish(cx);
    Some((events?, total?, by?))
}

fn metric(cx: &mut Cx<'_>, tree: &Tree) -> Option<Spot<String>> {
    let mut fields = Fields::of(cx, tree, "a metric")?;
    let text = fields.need_text(cx, &["metric"]);
    fields.finish(cx);
    selector(cx, text)
}

/// Pyrra takes nothing but a selector.
fn selector(cx: &mut Cx<'_>, metric: Option<Spot<String>>) -> Option<Spot<String>> {
    let metric = metric?;
    match promql::parse(&metric.value) {
        Ok(Expr::VectorSelector(VectorSelector { name: Some(_), .. })) => Some(metric),
        Ok(_) => {
            cx.error(
                Code::BadPromql,
                metric.at,
                "a metric with its matchers is wanted, nothing else",
            );
            None
        }
        Err(message) => {
            cx.error(Code::BadPromql, metric.at, message.replace('\n', " "));
            None
        }
    }
}

fn grouping(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Option<Vec<String>> {
    match fields.get(&["grouping"]).map(|tree| (&tree.value, tree.at)) {
        None => Some(Vec::new()),
        Some((Value::List(items), _)) => items.iter().map(Tree::as_text).collect(),
        Some((_, at)) => {
            cx.error(Code::BadValue, at, "`grouping` is a list of labels");
            None
        }
    }
}

fn counted(metric: &Spot<String>, by: &[String]) -> Spot<String> {
    let of = if by.is_empty() { String::new() } else { format!(" by ({})", by.join(", ")) };
    let value = format!("sum{of}(rate({}[{{{{.window}}}}]))", metric.value.trim());
    Spot { value, at: metric.at }
}
