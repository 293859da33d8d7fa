//! The SLO document of OpenSLO `v1`.

use crate::finding::{Code, Spot};
use crate::length::Length;
use crate::model::{Alerting, Indicator, Missing, Objective, Origin};
use crate::number::{text, tidy};
use crate::spec::Document;
use crate::spec::common::{Settings, camel, check_labels, check_name, check_target};
use crate::yaml::{Cx, Fields, Tree};

use super::indicator::{self, Read};
use super::{Catalogue, Metadata, alerts, envelope, time, unsupported};

/// How the share of good is reckoned.
enum Budgeting {
    Occurrences,
    /// The share of slices that reach their own target.
    Timeslices(Length),
    /// The mean of the slices' shares.
    RatioTimeslices(Length),
}

/// One line of `objectives`.
struct Goal<'a> {
    target: Spot<f64>,
    op: Option<Spot<String>>,
    value: Option<f64>,
    slice_target: Option<f64>,
    tree: &'a Tree,
}

/// Reads an SLO; each of its objectives becomes one of ours.
pub(super) fn read(
    catalogue: &Catalogue<'_>,
    cx: &mut Cx<'_>,
    document: &Document<'_>,
    metadata: &Metadata,
    spec: &Tree,
) -> Vec<Objective> {
    read_all(catalogue, cx, document, metadata, spec).unwrap_or_default()
}

fn read_all(
    catalogue: &Catalogue<'_>,
    cx: &mut Cx<'_>,
    document: &Document<'_>,
    metadata: &Metadata,
    spec: &Tree,
) -> Option<Vec<Objective>> {
    let mut fields = Fields::of(cx, spec, "the SLO")?;
    let description = fields.text(cx, &["description"]).map(|t| t.value);
    let service = fields.need_text(cx, &["service"]);
    let service = service.filter(|name| check_name(cx, "a service", name));
    let named = check_name(cx, "an objective", &metadata.name);
    let (inline, by_name) = (fields.get(&["indicator"]), fields.text(cx, &["indicatorRef"]));
    let windows = fields.list(cx, &["timeWindow"]);
    let period = time::read_window(cx, windows, spec.at);
    let method = fields.text(cx, &["budgetingMethod"]);
    let goals = fields.list(cx, &["objectives"]);
    let policies = fields.get(&["alertPolicies"]).map(|_| fields.list(cx, &["alertPolicies"]));
    let at = fields.at;
    fields.finish(cx);
    if goals.is_empty() {
        cx.error(Code::MissingKey, at, "the SLO needs `objectives` with one at least");
    }
    let budgeting = read_budgeting(cx, method, goals);
    let read: Vec<Option<Goal<'_>>> = goals.iter().map(|goal| read_goal(cx, goal)).collect();
    let wanted = policies.filter(|p| !p.is_empty());
    let wanted = wanted.map(|items| alerts::read_policies(catalogue, cx, items));
    let source = read_indicator(catalogue, cx, inline, by_name, spec);
    let mut settings = Settings::default();
    settings.read_annotations(cx, spec.at, &metadata.annotations);
    check_labels(cx, spec.at, &metadata.labels);
    let (service, period, budgeting, source) = (service?, period?, budgeting?, source?);
    let wanted = match wanted {
        Some(wanted) => Some(wanted?),
        None => None,
    };
    let several = goals.len() > 1;
    let mut objectives = Vec::new();
    for (n, goal) in read.into_iter().enumerate() {
        let goal = goal?;
        let name = if several {
            format!("{}-{n}", metadata.name.value)
        } else {
            metadata.name.value.clone()
        };
        let indicator = indicator_of(cx, &source, &goal, &budgeting, settings.traffic.scrape)?;
        let mut alerting = Alerting::named(format!("{}{}", camel(&service.value), camel(&name)));
        alerting.missing = settings.missing.unwrap_or(Missing::Ticket);
        if let Some(wanted) = &wanted {
            alerting.policies = Some(wanted.policies.clone());
            if settings.missing.is_none() && !wanted.when_no_data {
                alerting.missing = Missing::Off;
            }
        } else {
            cx.note(
                Code::Default,
                spec.at,
                "no alert policies: the four tiers of the period's windows are generated",
            );
        }
        objectives.push(Objective {
            service: service.value.clone(),
            name,
            description: description.clone().or(metadata.display_name.clone()).unwrap_or_default(),
            origin: origin(document),
            target: goal.target,
            period,
            indicator,
            labels: metadata.labels.clone(),
            info_labels: Default::default(),
            alerting,
            traffic: settings.traffic.clone(),
            intervals: settings.intervals,
        });
    }
    named.then_some(objectives)
}

fn origin(document: &Document<'_>) -> Origin {
    Origin {
        file: document.file.to_owned(),
        document: document.number,
        at: document.tree.at,
        spec: "openslo/v1",
        mode: "cli-gen-openslo",
        object: None,
    }
}

fn read_goal<'a>(cx: &mut Cx<'_>, tree: &'a Tree) -> Option<Goal<'a>> {
    let mut fields = Fields::of(cx, tree, "an objective")?;
    fields.text(cx, &["displayName"]);
    let op = fields.text(cx, &["op"]);
    let value = fields.number(cx, &["value"]).map(|v| v.value);
    let target = fields.number(cx, &["target"]);
    let percent = fields.number(cx, &["targetPercent"]);
    let slice_target = fields.number(cx, &["timeSliceTarget"]).map(|v| v.value);
    fields.get(&["timeSliceWindow"]);
    let mut composite = None;
    for key in ["indicator", "indicatorRef", "compositeWeight"] {
        composite = composite.or(fields.get(&[key]));
    }
    fields.finish(cx);
    if let Some(tree) = composite {
        unsupported(cx, tree.at, "a composite SLO (objectives with indicators of their own)");
        return None;
    }
    let target = match (target, percent) {
        (Some(t), None) if t.value > 1.0 || t.value < 0.0 => {
            let message = format!("`target: {}` is a share from 0 to 1", t.value);
            cx.error_with(Code::BadValue, t.at, message, "`targetPercent` is in per cent");
            return None;
        }
        (Some(t), None) => Spot { value: tidy(t.value * 100.0), at: t.at },
        (None, Some(p)) => p,
        _ => {
            let message = "an objective needs exactly one of `target` and `targetPercent`";
            cx.error(Code::MissingKey, tree.at, message);
            return None;
        }
    };
    let target = check_target(cx, target)?;
    Some(Goal { target, op, value, slice_target, tree })
}

fn read_budgeting(
    cx: &mut Cx<'_>,
    method: Option<Spot<String>>,
    goals: &[Tree],
) -> Option<Budgeting> {
    let Some(method) = method else { return Some(Budgeting::Occurrences) };
    let slice = goals.first().and_then(|goal| goal.get("timeSliceWindow"));
    let length = slice.and_then(|tree| {
        let text = tree.as_text()?;
        // A bare number is minutes.
        let minutes = text.parse::<u64>().ok().filter(|m| *m > 0 && *m < 100_000);
        minutes.map(|m| Length(m * 60)).or_else(|| Length::parse(&text))
    });
    match (method.value.as_str(), length) {
        ("Occurrences", _) => Some(Budgeting::Occurrences),
        ("Timeslices", Some(length)) => Some(Budgeting::Timeslices(length)),
        ("RatioTimeslices", Some(length)) => Some(Budgeting::RatioTimeslices(length)),
        ("Timeslices" | "RatioTimeslices", None) => {
            let message = format!("`{}` needs `timeSliceWindow` of its objective", method.value);
            cx.error(Code::MissingKey, method.at, message);
            None
        }
        (other, _) => {
            cx.error(Code::BadValue, method.at, format!("`{other}` is no budgeting method"));
            None
        }
    }
}

fn read_indicator(
    catalogue: &Catalogue<'_>,
    cx: &mut Cx<'_>,
    inline: Option<&Tree>,
    by_name: Option<Spot<String>>,
    slo: &Tree,
) -> Option<Read> {
    match (inline, by_name) {
        (Some(tree), None) => {
            let mut fields = Fields::of(cx, tree, "`indicator`")?;
            for key in ["apiVersion", "kind", "metadata"] {
                fields.get(&[key]);
            }
            let spec = fields.need(cx, &["spec"]);
            fields.finish(cx);
            indicator::read(catalogue, cx, spec?, true)
        }
        (None, Some(name)) => {
            let document = catalogue.find(cx, "SLI", &name)?;
            let mut cx = Cx { file: document.file, found: cx.found };
            let (_, _, spec) = envelope(&mut cx, &document.tree)?;
            indicator::read(catalogue, &mut cx, spec, true)
        }
        _ => {
            let composite = slo.get("objectives").is_some_and(|list| {
                matches!(&list.value, crate::yaml::Value::List(items)
                    if items.iter().any(|i| i.get("indicator").or(i.get("indicatorRef")).is_some()))
            });
            if !composite {
                let message = "the SLO needs exactly one of `indicator` and `indicatorRef`";
                cx.error(Code::MissingKey, slo.at, message);
            }
            None
        }
    }
}

/// Joins an indicator with an objective's comparison and the way of budgeting.
fn indicator_of(
    cx: &mut Cx<'_>,
    read: &Read,
    goal: &Goal<'_>,
    budgeting: &Budgeting,
    scrape: Length,
) -> Option<Indicator> {
    match (read, budgeting) {
        (Read::Spans(spans), Budgeting::Occurrences) => Some(Indicator::Spans(spans.clone())),
        (Read::Good(good, total), Budgeting::Occurrences) => {
            Some(Indicator::Good { good: good.clone(), total: total.clone() })
        }
        (Read::Bad(bad, total), Budgeting::Occurrences) => {
            Some(Indicator::Bad { bad: bad.clone(), total: total.clone() })
        }
        (Read::Raw(query, of_good), Budgeting::Occurrences) => {
            let value =
                if *of_good { format!("1 - ({})", query.value) } else { query.value.clone() };
            Some(Indicator::Ratio { bad: Spot { value, at: query.at } })
        }
        (Read::Threshold(query), Budgeting::Occurrences) => {
            let compared = compared(cx, query, goal)?;
            let value = format!("1 - avg_over_time(({compared})[{{{{.window}}}}:{scrape}])");
            Some(Indicator::Ratio { bad: Spot { value, at: query.at } })
        }
        (read, Budgeting::Timeslices(slice) | Budgeting::RatioTimeslices(slice)) => {
            let (share, at) = share_in(cx, read, goal, *slice, scrape)?;
            let judged = match budgeting {
                Budgeting::Timeslices(_) => {
                    let target = goal.slice_target.unwrap_or(goal.target.value / 100.0);
                    format!("({share}) >= bool {}", text(target))
                }
                _ => share,
            };
            let value = format!("1 - avg_over_time(({judged})[{{{{.window}}}}:{slice}])");
            Some(Indicator::Ratio { bad: Spot { value, at } })
        }
    }
}

/// The share of good in one slice; a slice without events has none.
fn share_in(
    cx: &mut Cx<'_>,
    read: &Read,
    goal: &Goal<'_>,
    slice: Length,
    scrape: Length,
) -> Option<(String, crate::finding::At)> {
    let fill = |query: &Spot<String>| crate::promql::fill(&query.value, slice);
    match read {
        Read::Good(good, total) => {
            Some((format!("({}) / (({}) > 0)", fill(good), fill(total)), good.at))
        }
        Read::Bad(bad, total) => {
            Some((format!("1 - ({}) / (({}) > 0)", fill(bad), fill(total)), bad.at))
        }
        Read::Raw(query, true) => Some((fill(query), query.at)),
        Read::Raw(query, false) => Some((format!("1 - ({})", fill(query)), query.at)),
        Read::Threshold(query) => {
            let compared = compared(cx, query, goal)?;
            Some((format!("avg_over_time(({compared})[{slice}:{scrape}])"), query.at))
        }
        Read::Spans(spans) => {
            unsupported(cx, spans.at, "an indicator of spans in time slices");
            None
        }
    }
}

/// The comparison that says whether a value is good, as 0 or 1.
fn compared(cx: &mut Cx<'_>, query: &Spot<String>, goal: &Goal<'_>) -> Option<String> {
    let (Some(op), Some(value)) = (&goal.op, goal.value) else {
        cx.error(
            Code::MissingKey,
            goal.tree.at,
            "a threshold needs `op` and `value` of its objective",
        );
        return None;
    };
    let sign = match op.value.as_str() {
        "lt" => "<",
        "lte" => "<=",
        "gt" => ">",
        "gte" => ">=",
        other => {
            cx.error(Code::BadValue, op.at, format!("`{other}` is no operator"));
            return None;
        }
    };
    if let Err(message) = crate::promql::parse(&query.value) {
        cx.error(Code::BadPromql, query.at, message.replace('\n', " "));
        return None;
    }
    Some(format!("({}) {sign} bool {}", query.value.trim(), text(value)))
}
