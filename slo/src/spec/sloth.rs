//! Sloth's `prometheus/v1` and the same inside a Kubernetes object (`sloth.slok.dev/v1`).
//!
//! The plain form writes `error_query`, the object `errorQuery`; either spelling is read in both.

use std::collections::BTreeMap;

use crate::finding::{Code, Spot};
use crate::length::Length;
use crate::model::{
    Alerting, Channel, Indicator, Intervals, Missing, Object, Objective, Origin, Period,
};
use crate::yaml::{Cx, Fields, Tree};

use super::common::{Settings, check_labels, check_name, check_query, check_target};
use super::{Document, spans};

/// What is the same for all objectives of a document.
struct Whole<'a> {
    service: String,
    labels: BTreeMap<String, String>,
    plugins: Option<&'a Tree>,
    origin: Origin,
    period: Length,
}

/// Reads the plain form.
pub(super) fn read_plain(cx: &mut Cx<'_>, doc: &Document<'_>, period: Length) -> Vec<Objective> {
    let Some(mut top) = Fields::of(cx, &doc.tree, "the document") else { return Vec::new() };
    top.get(&["version"]);
    let origin = Origin {
        file: doc.file.to_owned(),
        document: doc.number,
        at: doc.tree.at,
        spec: "prometheus/v1",
        mode: "cli-gen-prom",
        object: None,
    };
    read_body(cx, top, origin, period)
}

/// Reads the Kubernetes object.
pub(super) fn read_object(cx: &mut Cx<'_>, doc: &Document<'_>, period: Length) -> Vec<Objective> {
    let Some(mut top) = Fields::of(cx, &doc.tree, "the document") else { return Vec::new() };
    top.get(&["apiVersion"]);
    top.get(&["status"]);
    if let Some(kind) = top.need_text(cx, &["kind"])
        && kind.value != "PrometheusServiceLevel"
    {
        let message = format!("a `{}` of sloth.slok.dev/v1 is not read here", kind.value);
        cx.error(Code::UnknownDocument, kind.at, message);
        return Vec::new();
    }
    let metadata = top.need(cx, &["metadata"]);
    let spec = top.need(cx, &["spec"]);
    top.finish(cx);
    let (Some(metadata), Some(spec)) = (metadata, spec) else { return Vec::new() };
    let Some(mut meta) = Fields::of(cx, metadata, "`metadata`") else { return Vec::new() };
    let Some(name) = meta.need_text(cx, &["name"]) else { return Vec::new() };
    let namespace = meta.text(cx, &["namespace"]).map(|n| n.value);
    let object = Object { name: name.value, namespace, labels: meta.labels(cx, &["labels"]) };
    let origin = Origin {
        file: doc.file.to_owned(),
        document: doc.number,
        at: doc.tree.at,
        spec: "sloth.slok.dev/v1",
        mode: "cli-gen-k8s",
        object: Some(object),
    };
    let Some(body) = Fields::of(cx, spec, "`spec`") else { return Vec::new() };
    read_body(cx, body, origin, period)
}

fn read_body(
    cx: &mut Cx<'_>,
    mut body: Fields<'_>,
    origin: Origin,
    period: Length,
) -> Vec<Objective> {
    let service = body.need_text(cx, &["service"]);
    let labels = body.labels(cx, &["labels"]);
    check_labels(cx, body.at, &labels);
    let plugins = body.get(&["slo_plugins", "sloPlugins"]);
    let items = body.list(cx, &["slos"]);
    if items.is_empty() {
        cx.error(
            Code::MissingKey,
            body.at,
            "the document needs `slos` with one objective at least",
        );
    }
    body.finish(cx);
    let Some(service) = service.filter(|name| check_name(cx, "a service", name)) else {
        return Vec::new();
    };
    let whole = Whole { service: service.value, labels, plugins, origin, period };
    items.iter().filter_map(|tree| read_one(cx, &whole, tree)).collect()
}

fn read_one(cx: &mut Cx<'_>, whole: &Whole<'_>, tree: &Tree) -> Option<Objective> {
    let mut fields = Fields::of(cx, tree, "an objective")?;
    let name = fields.need_text(cx, &["name"]).filter(|n| check_name(cx, "an objective", n));
    fields.need(cx, &["objective"]);
    let target = fields.number(cx, &["objective"]).and_then(|t| check_target(cx, t));
    let description = fields.text(cx, &["description"]).map(|t| t.value).unwrap_or_default();
    let mut labels = whole.labels.clone();
    let own = fields.labels(cx, &["labels"]);
    check_labels(cx, tree.at, &own);
    labels.extend(own);
    let mut settings = Settings::default();
    for plugins in whole.plugins.into_iter().chain(fields.get(&["plugins"])) {
        read_plugins(cx, plugins, &mut settings);
    }
    let sli = fields.need(cx, &["sli"]);
    let indicator = sli.and_then(|sli| read_indicator(cx, sli));
    let alerting = fields.need(cx, &["alerting"]);
    let alerting = alerting.and_then(|alerting| read_alerting(cx, alerting));
    fields.finish(cx);
    let mut alerting = alerting?;
    if alerting.page.disabled && alerting.ticket.disabled {
        alerting.missing = Missing::Off;
    }
    alerting.missing = settings.missing.unwrap_or(alerting.missing);
    Some(Objective {
        service: whole.service.clone(),
        name: name?.value,
        description,
        origin: Origin { at: tree.at, ..whole.origin.clone() },
        target: target?,
        period: Period::Rolling(whole.period),
        indicator: indicator?,
        labels,
        info_labels: settings.info_labels,
        alerting,
        traffic: settings.traffic,
        intervals: settings.intervals,
    })
}

fn read_indicator(cx: &mut Cx<'_>, tree: &Tree) -> Option<Indicator> {
    let mut fields = Fields::of(cx, tree, "`sli`")?;
    let forms = [fields.get(&["events"]), fields.get(&["raw"]), fields.get(&["plugin"])];
    let at = fields.at;
    fields.finish(cx);
    match forms {
        [Some(events), None, None] => {
            let mut fields = Fields::of(cx, events, "`events`")?;
            let bad = fields.need_text(cx, &["error_query", "errorQuery"]);
            let total = fields.need_text(cx, &["total_query", "totalQuery"]);
            fields.finish(cx);
            let bad = check_query(cx, bad?, Code::BadPromql);
            let total = check_query(cx, total?, Code::BadPromql);
            Some(Indicator::Bad { bad: bad?, total: total? })
        }
        [None, Some(raw), None] => {
            let mut fields = Fields::of(cx, raw, "`raw`")?;
            let ratio = fields.need_text(cx, &["error_ratio_query", "errorRatioQuery"]);
            fields.finish(cx);
            Some(Indicator::Ratio { bad: check_query(cx, ratio?, Code::BadPromql)? })
        }
        [None, None, Some(plugin)] => {
            let mut fields = Fields::of(cx, plugin, "`plugin`")?;
            let id = fields.need_text(cx, &["id"])?;
            let options = fields.get(&["options"]);
            fields.finish(cx);
            if id.value != spans::ID {
                let message = format!("the indicator plugin `{}` is not known here", id.value);
                let hint = format!("known: {}; or write the query as `events`", spans::ID);
                cx.error_with(Code::Unsupported, id.at, message, hint);
                return None;
            }
            spans::read(cx, options.unwrap_or(plugin)).map(Indicator::Spans)
        }
        _ => {
            let message = "`sli` needs exactly one of `events`, `raw` and `plugin`";
            cx.error(Code::MissingKey, at, message);
            None
        }
    }
}

fn read_alerting(cx: &mut Cx<'_>, tree: &Tree) -> Option<Alerting> {
    let mut fields = Fields::of(cx, tree, "`alerting`")?;
    let name = fields.text(cx, &["name"]);
    let labels = fields.labels(cx, &["labels"]);
    check_labels(cx, tree.at, &labels);
    let annotations = fields.labels(cx, &["annotations"]);
    let page = read_channel(cx, fields.get(&["page_alert", "pageAlert"]));
    let ticket = read_channel(cx, fields.get(&["ticket_alert", "ticketAlert"]));
    fields.finish(cx);
    let (page, ticket) = (page?, ticket?);
    let name = name.unwrap_or(Spot { value: String::new(), at: tree.at });
    if name.value.is_empty() && !(page.disabled && ticket.disabled) {
        cx.error(Code::MissingKey, name.at, "alerts need a name (`alerting.name`)");
        return None;
    }
    Some(Alerting { labels, annotations, page, ticket, ..Alerting::named(name.value) })
}

fn read_channel(cx: &mut Cx<'_>, tree: Option<&Tree>) -> Option<Channel> {
    let Some(tree) = tree else { return Some(Channel::default()) };
    let mut fields = Fields::of(cx, tree, "a severity's alert")?;
    let disabled = fields.flag(cx, &["disable"]).is_some_and(|f| f.value);
    let labels = fields.labels(cx, &["labels"]);
    check_labels(cx, tree.at, &labels);
    let annotations = fields.labels(cx, &["annotations"]);
    fields.finish(cx);
    Some(Channel { disabled, labels, annotations })
}

fn read_plugins(cx: &mut Cx<'_>, tree: &Tree, settings: &mut Settings) {
    let Some(mut fields) = Fields::of(cx, tree, "a plugin chain") else { return };
    if fields.flag(cx, &["overridePrevious", "override_previous"]).is_some_and(|f| f.value) {
        *settings = Settings::default();
    }
    for item in fields.list(cx, &["chain"]) {
        let Some(mut plugin) = Fields::of(cx, item, "a plugin") else { continue };
        let id = plugin.need_text(cx, &["id"]);
        let config = plugin.get(&["config"]);
        plugin.number(cx, &["priority"]);
        plugin.finish(cx);
        let Some(id) = id else { continue };
        let Some(config) = Fields::of(cx, config.unwrap_or(item), "`config`") else { continue };
        match id.value.as_str() {
            "perch.dev/traffic/v1" => settings.read_traffic(cx, config),
            "sloth.dev/contrib/rule_intervals/v1" => {
                settings.intervals = read_intervals(cx, config).unwrap_or_default();
            }
            "sloth.dev/contrib/info_labels/v1" => {
                let mut config = config;
                settings.info_labels.extend(config.labels(cx, &["labels"]));
                config.finish(cx);
            }
            other => {
                let message = format!("the plugin `{other}` is not known here");
                let hint = "known: perch.dev/traffic/v1, sloth.dev/contrib/rule_intervals/v1, sloth.dev/contrib/info_labels/v1; the profile `exact` has an alert on the spent budget and weighting by events built in";
                cx.error_with(Code::Unsupported, id.at, message, hint);
            }
        }
    }
    fields.finish(cx);
}

fn read_intervals(cx: &mut Cx<'_>, mut config: Fields<'_>) -> Option<Intervals> {
    let interval = config.need(cx, &["interval"]);
    config.finish(cx);
    let mut fields = Fields::of(cx, interval?, "`interval`")?;
    let default = fields.length(cx, &["default"]).map(|l| l.value);
    let mut one = |key| fields.length(cx, &[key]).map(|l| l.value).or(default);
    let intervals =
        Intervals { indicator: one("sliError"), metadata: one("metadata"), alert: one("alert") };
    fields.finish(cx);
    Some(intervals)
}
