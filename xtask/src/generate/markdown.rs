//! The reference pages under `docs/reference/`.

use std::fmt::Write as _;

use anyhow::Result;

use super::catalogue::{Attribute, Catalogue, GroupKind, Instrument};

/// One reference page.
pub fn page(title: &str, catalogue: &Catalogue) -> Result<String> {
    let mut out = format!("# {title}\n\nGenerated from `catalogue/` by `cargo xtask gen`.\n");
    metrics(&mut out, catalogue)?;
    spans(&mut out, catalogue);
    events(&mut out, catalogue);
    attributes(&mut out, catalogue);
    Ok(out)
}

fn metrics(out: &mut String, catalogue: &Catalogue) -> Result<()> {
    out.push_str("\n## Metrics\n\n| Prometheus | OpenTelemetry | type | unit | labels | |\n|---|---|---|---|---|---|\n");
    for group in catalogue.of_kind(GroupKind::Metric) {
        let labels: Vec<String> =
            catalogue.attributes_of(group).map(|a| format!("`{}`", a.id)).collect();
        let kind = match group.instrument {
            Some(Instrument::Counter) => "counter",
            Some(Instrument::Gauge) => "gauge",
            Some(Instrument::Histogram) | None => "histogram",
        };
        let _ = writeln!(
            out,
            "| `{}` | `{}` | {kind} | `{}` | {} | {} |",
            group.prometheus_name()?,
            group.metric_name.as_deref().unwrap_or_default(),
            group.unit.as_deref().unwrap_or_default(),
            labels.join(", "),
            group.brief,
        );
    }
    Ok(())
}

fn spans(out: &mut String, catalogue: &Catalogue) {
    if catalogue.of_kind(GroupKind::Span).next().is_none() {
        return;
    }
    out.push_str("\n## Spans\n\n| name | kind | attributes | |\n|---|---|---|---|\n");
    for group in catalogue.of_kind(GroupKind::Span) {
        let attributes: Vec<String> =
            catalogue.attributes_of(group).map(|a| format!("`{}`", a.id)).collect();
        let name = group.span_name.as_deref().unwrap_or_default();
        let by = group.app.as_deref().map(|app| format!(" ({app})")).unwrap_or_default();
        let kind = group.span_kind.as_deref().unwrap_or("internal");
        let _ = writeln!(
            out,
            "| `{name}`{by} | {kind} | {} | {} |",
            attributes.join(", "),
            group.brief
        );
    }
}

fn events(out: &mut String, catalogue: &Catalogue) {
    if catalogue.of_kind(GroupKind::Event).next().is_none() {
        return;
    }
    out.push_str("\n## Events\n\n| short name | stored | |\n|---|---|---|\n");
    for group in catalogue.of_kind(GroupKind::Event) {
        let stored = if group.stored { "yes" } else { "no" };
        let _ = writeln!(
            out,
            "| `{}` | {stored} | {} |",
            group.event_name.as_deref().unwrap_or_default(),
            group.brief
        );
    }
}

fn attributes(out: &mut String, catalogue: &Catalogue) {
    out.push_str("\n## Attributes\n\n| key | values | |\n|---|---|---|\n");
    for attribute in catalogue.used_attributes() {
        let _ =
            writeln!(out, "| `{}` | {} | {} |", attribute.id, values(attribute), attribute.brief);
    }
}

fn values(attribute: &Attribute) -> String {
    if !attribute.members.is_empty() {
        let names: Vec<String> =
            attribute.members.iter().map(|m| format!("`{}`", m.value)).collect();
        return names.join(", ");
    }
    let plain = attribute.plain.as_deref().unwrap_or("string");
    match attribute.bound {
        Some(bound) => format!("{plain}, at most {bound}"),
        None => plain.to_owned(),
    }
}
