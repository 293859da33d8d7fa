//! Alert policies and conditions of OpenSLO.
//!
//! A burn-rate condition fires when the burn rate over `lookbackWindow` exceeds `threshold`. The
//! specification's own example writes `op: lte` for that: `lte` and `lt` are read as `gte` and `gt`,
//! with a warning.

use crate::finding::{Code, Spot};
use crate::model::{Policy, Severity};
use crate::yaml::{Cx, Fields, Tree};

use super::time::{Duration, parse};
use super::{Catalogue, Metadata, envelope, unsupported};

/// What a policy asks for.
pub(super) struct Wanted {
    pub(super) policies: Vec<Policy>,
    pub(super) when_no_data: bool,
}

/// Checks a policy that no objective may use.
pub(super) fn check_policy(catalogue: &Catalogue<'_>, cx: &mut Cx<'_>, spec: &Tree) {
    read_policy(catalogue, cx, spec);
}

/// Reads the policies of an SLO: names, references or whole documents.
pub(super) fn read_policies(
    catalogue: &Catalogue<'_>,
    cx: &mut Cx<'_>,
    items: &[Tree],
) -> Option<Wanted> {
    let mut wanted = Wanted { policies: Vec::new(), when_no_data: false };
    let mut whole = true;
    for item in items {
        let one = if item.get("kind").is_some() || item.get("spec").is_some() {
            inline(cx, item, "AlertPolicy").and_then(|(_, spec)| read_policy(catalogue, cx, spec))
        } else {
            let name = reference(cx, item, "alertPolicyRef");
            let found = name.and_then(|name| catalogue.find(cx, "AlertPolicy", &name));
            found.and_then(|document| {
                let mut cx = Cx { file: document.file, found: cx.found };
                let (_, _, spec) = envelope(&mut cx, &document.tree)?;
                read_policy(catalogue, &mut cx, spec)
            })
        };
        match one {
            Some(mut one) => {
                wanted.policies.append(&mut one.policies);
                wanted.when_no_data |= one.when_no_data;
            }
            None => whole = false,
        }
    }
    whole.then_some(wanted)
}

fn read_policy(catalogue: &Catalogue<'_>, cx: &mut Cx<'_>, spec: &Tree) -> Option<Wanted> {
    let mut fields = Fields::of(cx, spec, "an alert policy")?;
    fields.text(cx, &["description"]);
    let no_data = fields.flag(cx, &["alertWhenNoData"]).is_some_and(|f| f.value);
    let breaching = fields.flag(cx, &["alertWhenBreaching"]).is_none_or(|f| f.value);
    let resolved = fields.flag(cx, &["alertWhenResolved"]);
    let conditions = fields.list(cx, &["conditions"]);
    let targets = fields.list(cx, &["notificationTargets"]);
    let at = fields.at;
    fields.finish(cx);
    if let Some(resolved) = resolved {
        let message =
            "whether a notice of the end is sent is the receiver's `send_resolved` in Alertmanager";
        cx.note(Code::Default, resolved.at, message);
    }
    let [condition] = conditions else {
        cx.error(Code::BadValue, at, "`conditions` is a list of exactly one condition");
        return None;
    };
    for target in targets {
        if target.get("kind").is_some() {
            inline(cx, target, "AlertNotificationTarget");
        } else {
            reference(cx, target, "targetRef");
        }
    }
    let policy = if condition.get("conditionRef").is_some() {
        let name = reference(cx, condition, "conditionRef")?;
        let document = catalogue.find(cx, "AlertCondition", &name)?;
        let mut cx = Cx { file: document.file, found: cx.found };
        let (_, metadata, spec) = envelope(&mut cx, &document.tree)?;
        read_condition(&mut cx, &metadata.name.value, spec)?
    } else {
        let (metadata, spec) = inline(cx, condition, "AlertCondition")?;
        read_condition(cx, &metadata.name.value, spec)?
    };
    let policies = if breaching { vec![policy] } else { Vec::new() };
    Some(Wanted { policies, when_no_data: no_data })
}

/// Reads the spec of a condition.
pub(super) fn read_condition(cx: &mut Cx<'_>, name: &str, spec: &Tree) -> Option<Policy> {
    let mut fields = Fields::of(cx, spec, "an alert condition")?;
    fields.text(cx, &["description"]);
    let severity = fields.need_text(cx, &["severity"]);
    let condition = fields.need(cx, &["condition"]);
    fields.finish(cx);
    let mut fields = Fields::of(cx, condition?, "`condition`")?;
    let kind = fields.need_text(cx, &["kind"]);
    let op = fields.text(cx, &["op"]);
    fields.need(cx, &["threshold"]);
    let factor = fields.number(cx, &["threshold"]);
    let window = duration(cx, &mut fields, "lookbackWindow", true);
    let hold = duration(cx, &mut fields, "alertAfter", false);
    let at = fields.at;
    fields.finish(cx);
    let (kind, severity, factor) = (kind?, severity?, factor?);
    if kind.value != "burnrate" {
        unsupported(cx, kind.at, &format!("the condition `{}` (burnrate is)", kind.value));
        return None;
    }
    if let Some(op) = op {
        match op.value.as_str() {
            "gt" | "gte" => {}
            "lt" | "lte" => {
                let message = format!("`op: {}` is read as \"exceeds\"", op.value);
                cx.found.warn(Code::InvertedOperator, cx.file, op.at, message, "write gt or gte");
            }
            other => {
                cx.error(Code::BadValue, op.at, format!("`{other}` is no operator"));
                return None;
            }
        }
    }
    if factor.value <= 0.0 {
        cx.error(Code::BadValue, factor.at, "a burn rate to exceed is above 0");
        return None;
    }
    Some(Policy {
        name: name.to_owned(),
        severity: severity_of(&severity.value),
        severity_text: severity.value,
        factor: factor.value,
        window: window?,
        hold,
        at,
    })
}

/// The words that wake somebody; every other severity is a ticket.
fn severity_of(text: &str) -> Severity {
    match text.to_lowercase().as_str() {
        "page" | "critical" | "high" | "sev1" | "p1" => Severity::Page,
        "info" | "low" => Severity::Info,
        _ => Severity::Ticket,
    }
}

fn duration(
    cx: &mut Cx<'_>,
    fields: &mut Fields<'_>,
    key: &'static str,
    needed: bool,
) -> Option<crate::length::Length> {
    if needed {
        fields.need(cx, &[key])?;
    }
    let text = fields.text(cx, &[key])?;
    if text.value == "0" || text.value == "0m" || text.value == "0s" {
        return None;
    }
    match parse(&text.value) {
        Some(Duration::Fixed(length)) => Some(length),
        _ => {
            let message = format!("`{key}` is a length of time such as 1h, not `{}`", text.value);
            cx.error(Code::BadValue, text.at, message);
            None
        }
    }
}

/// A document inside another.
fn inline<'t>(cx: &mut Cx<'_>, tree: &'t Tree, wanted: &str) -> Option<(Metadata, &'t Tree)> {
    let (kind, metadata, spec) = envelope(cx, tree)?;
    if kind.value != wanted {
        let message = format!("a {wanted} is wanted here, not a `{}`", kind.value);
        cx.error(Code::BadValue, kind.at, message);
        return None;
    }
    Some((metadata, spec))
}

/// A name, bare or under a key.
fn reference(cx: &mut Cx<'_>, tree: &Tree, key: &'static str) -> Option<Spot<String>> {
    if let Some(value) = tree.as_text() {
        return Some(Spot { value, at: tree.at });
    }
    let mut fields = Fields::of(cx, tree, "a reference")?;
    let name = fields.need_text(cx, &[key]);
    fields.finish(cx);
    name
}
