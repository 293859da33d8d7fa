//! Names of telemetry come from the catalogue, never from a literal.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use crate::generate::{Catalogue, GroupKind};
use crate::source::Source;

/// Literals that look like metrics but are something else.
const NOT_METRICS: &[&str] =
    &["nestr_cli", "perch_cli", "nestr_server", "perch_store", "perch_absent"];

/// Every literal that repeats a catalogue name or invents one.
pub fn check(root: &Path, sources: &[Source]) -> Result<Vec<String>> {
    let known = known(root)?;
    let mut findings = Vec::new();
    for source in sources.iter().filter(|s| !s.path.starts_with("xtask/")) {
        for (n, text) in source.literals() {
            if known.contains(text) {
                findings.push(format!(
                    "{}:{n}: write the constant of names.rs instead of \"{text}\"",
                    source.path
                ));
            } else if looks_like_metric(text) && !NOT_METRICS.contains(&text) {
                findings.push(format!("{}:{n}: \"{text}\" is not in the catalogue", source.path));
            }
        }
    }
    Ok(findings)
}

fn known(root: &Path) -> Result<BTreeSet<String>> {
    let foreign = Catalogue::load(&root.join("catalogue/foreign.yaml"), None)?;
    let mut known = BTreeSet::new();
    for file in ["nestr.yaml", "perch.yaml"] {
        let catalogue = Catalogue::load(&root.join("catalogue").join(file), Some(&foreign))?;
        for group in catalogue.of_kind(GroupKind::Metric) {
            known.insert(group.prometheus_name()?);
            known.extend(group.metric_name.clone());
        }
        known.extend(
            catalogue
                .of_kind(GroupKind::Event)
                .filter_map(|g| g.event_name.clone())
                .filter(|n| n.contains(':')),
        );
        known.extend(catalogue.of_kind(GroupKind::Span).filter_map(|g| g.span_name.clone()));
        known.extend(
            catalogue
                .used_attributes()
                .iter()
                .filter(|a| a.id.starts_with("nestr."))
                .map(|a| a.id.clone()),
        );
    }
    Ok(known)
}

fn looks_like_metric(text: &str) -> bool {
    let ours = text.starts_with("nestr_") || text.starts_with("perch_");
    ours && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
