//! Indicators of OpenSLO: ratios of events, thresholds, spans.

use crate::finding::{At, Code, Spot};
use crate::model::Spans;
use crate::promql;
use crate::spec::{common::check_query, spans};
use crate::yaml::{Cx, Fields, Tree};

use super::{Catalogue, unsupported};

/// An indicator as it stands in the file; what it means depends on the objective that uses it.
pub(super) enum Read {
    /// Good events out of all.
    Good(Spot<String>, Spot<String>),
    /// Bad events out of all.
    Bad(Spot<String>, Spot<String>),
    /// A ready ratio, of good events or of bad ones.
    Raw(Spot<String>, bool),
    /// A value to be compared.
    Threshold(Spot<String>),
    /// Spans.
    Spans(Spans),
}

/// What a metric source gave.
enum Queried {
    Promql(Spot<String>),
    Spans(Spans),
}

/// Checks an SLI that no objective may use: a source that is not supported is only noted.
pub(super) fn check(cx: &mut Cx<'_>, spec: &Tree) {
    let nothing = Catalogue { named: std::collections::BTreeMap::new() };
    read(&nothing, cx, spec, false);
}

/// Reads the spec of an SLI. Where it is not `used`, what is not supported is only noted.
pub(super) fn read(
    catalogue: &Catalogue<'_>,
    cx: &mut Cx<'_>,
    spec: &Tree,
    used: bool,
) -> Option<Read> {
    let mut fields = Fields::of(cx, spec, "the indicator")?;
    fields.text(cx, &["description"]);
    let ratio = fields.get(&["ratioMetric"]);
    let threshold = fields.get(&["thresholdMetric"]);
    let at = fields.at;
    fields.finish(cx);
    match (ratio, threshold) {
        (Some(tree), None) => read_ratio(catalogue, cx, tree, used),
        (None, Some(tree)) => match read_source(catalogue, cx, tree, used)? {
            Queried::Promql(query) => Some(Read::Threshold(query)),
            Queried::Spans(spans) => Some(Read::Spans(spans)),
        },
        _ => {
            let message = "an indicator needs exactly one of `ratioMetric` and `thresholdMetric`";
            cx.error(Code::MissingKey, at, message);
            None
        }
    }
}

fn read_ratio(catalogue: &Catalogue<'_>, cx: &mut Cx<'_>, tree: &Tree, used: bool) -> Option<Read> {
    let mut fields = Fields::of(cx, tree, "`ratioMetric`")?;
    let counter = fields.flag(cx, &["counter"]).is_some_and(|f| f.value);
    let raw_type = fields.text(cx, &["rawType"]);
    let [good, bad, total, raw] = ["good", "bad", "total", "raw"].map(|key| fields.get(&[key]));
    let at = fields.at;
    fields.finish(cx);
    if let Some(raw) = raw.filter(|_| good.is_none() && bad.is_none() && total.is_none()) {
        let of_good = match raw_type.as_ref().map(|t| t.value.as_str()) {
            Some("success") => true,
            Some("failure") => false,
            _ => {
                cx.error(Code::MissingKey, at, "`raw` needs `rawType: success` or `failure`");
                return None;
            }
        };
        return match read_source(catalogue, cx, raw, used)? {
            Queried::Promql(query) => Some(Read::Raw(windowed(cx, query, false, used)?, of_good)),
            Queried::Spans(_) => both_in_one(cx, raw.at),
        };
    }
    let (events, is_good) = match (good, bad) {
        (Some(good), None) => (good, true),
        (None, Some(bad)) => (bad, false),
        _ => {
            cx.error(Code::MissingKey, at, "a ratio needs exactly one of `good` and `bad`");
            return None;
        }
    };
    let Some(total) = total else {
        cx.error(Code::MissingKey, at, "a ratio needs `total`");
        return None;
    };
    let (events, total) =
        (read_source(catalogue, cx, events, used), read_source(catalogue, cx, total, used));
    match (events?, total?) {
        (Queried::Promql(events), Queried::Promql(total)) => {
            let events = windowed(cx, events, counter, used);
            let total = windowed(cx, total, counter, used);
            let (events, total) = (events?, total?);
            Some(if is_good { Read::Good(events, total) } else { Read::Bad(events, total) })
        }
        _ => both_in_one(cx, at),
    }
}

fn both_in_one(cx: &mut Cx<'_>, at: At) -> Option<Read> {
    let hint =
        "write the source of spans as `thresholdMetric`: it counts good and all spans by itself";
    cx.error_with(Code::Unsupported, at, "a source of spans inside a ratio", hint);
    None
}

/// A query over a window: as written, or made of a counter's selector.
fn windowed(
    cx: &mut Cx<'_>,
    query: Spot<String>,
    counter: bool,
    used: bool,
) -> Option<Spot<String>> {
    let selector =
        matches!(promql::parse(&query.value), Ok(promql_parser::parser::Expr::VectorSelector(_)));
    if counter && selector && !promql::mentions_window(&query.value) {
        let value = format!("sum(rate({}[{{{{.window}}}}]))", query.value.trim());
        return Some(Spot { value, at: query.at });
    }
    if !used {
        return Some(query);
    }
    check_query(cx, query, Code::Unsupported)
}

fn read_source(
    catalogue: &Catalogue<'_>,
    cx: &mut Cx<'_>,
    tree: &Tree,
    used: bool,
) -> Option<Queried> {
    let mut outer = Fields::of(cx, tree, "a metric")?;
    let source = outer.need(cx, &["metricSource"]);
    outer.finish(cx);
    let mut fields = Fields::of(cx, source?, "`metricSource`")?;
    let reference = fields.text(cx, &["metricSourceRef"]);
    let own = fields.text(cx, &["type"]);
    let spec = fields.need(cx, &["spec"]);
    fields.finish(cx);
    let kind = match (own, reference) {
        (Some(kind), _) => kind,
        (None, Some(name)) if used => source_type(catalogue, cx, &name)?,
        (None, Some(_)) => return None,
        (None, None) => {
            cx.error(Code::MissingKey, tree.at, "`metricSource` needs `type` or `metricSourceRef`");
            return None;
        }
    };
    let spec = spec?;
    match kind.value.to_lowercase().as_str() {
        "prometheus" | "sloth" | "thanos" | "mimir" => {
            let mut fields = Fields::of(cx, spec, "a Prometheus source")?;
            let query = fields.need_text(cx, &["query", "promql"]);
            fields.text(cx, &["queryType", "type"]);
            fields.finish(cx);
            query.map(Queried::Promql)
        }
        "perch-spans" => spans::read(cx, spec).map(Queried::Spans),
        _ if !used => {
            let message =
                format!("the source `{}` is not supported; no objective uses it", kind.value);
            cx.note(Code::Unsupported, kind.at, message);
            None
        }
        _ => {
            unsupported(
                cx,
                kind.at,
                &format!("the source `{}` (Prometheus and perch-spans are)", kind.value),
            );
            None
        }
    }
}

fn source_type(
    catalogue: &Catalogue<'_>,
    cx: &mut Cx<'_>,
    name: &Spot<String>,
) -> Option<Spot<String>> {
    let document = catalogue.find(cx, "DataSource", name)?;
    let kind = document.tree.get("spec").and_then(|spec| spec.get("type"));
    let text = kind.and_then(Tree::as_text);
    if text.is_none() {
        cx.error(
            Code::MissingKey,
            name.at,
            format!("the DataSource `{}` has no `type`", name.value),
        );
    }
    text.map(|value| Spot { value, at: name.at })
}
