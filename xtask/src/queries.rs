//! `xtask queries`: every query that people or alerts rely on names only metrics that somebody emits.
//!
//! # Invariants
//! 1. Known are the catalogue's metrics, foreign ones among them, and nothing else.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::alerts;
use crate::generate::catalogues;
use crate::known::Known;
use crate::repo;

/// The keys of a dashboard under which queries stand.
const QUERY_KEYS: [&str; 3] = ["expr", "query", "definition"];

/// Fails if a rendered dashboard, an alert or an objective asks for a metric that nobody emits.
pub fn run(root: &Path) -> Result<()> {
    let known = Known::load(&catalogues(root)?)?;
    let mut findings = Vec::new();
    for file in repo::files(root)? {
        let rendered = file.starts_with("dashboards/rendered");
        if rendered && file.extension().is_some_and(|e| e == "json") {
            let text = fs::read_to_string(root.join(&file))?;
            let name = file.display().to_string();
            let board: Value =
                serde_json::from_str(&text).with_context(|| format!("cannot read {name}"))?;
            findings.extend(dashboard(&name, &board, &known));
        }
    }
    findings.extend(alerts::check(root, &known)?);
    repo::verdict("queries", &findings)
}

fn dashboard(file: &str, board: &Value, known: &Known) -> Vec<String> {
    let mut queries = Vec::new();
    collect(board, file, &mut queries);
    queries.iter().flat_map(|(place, query)| known.faults(place, query)).collect()
}

/// Every query below `value` with the title or name of what it belongs to.
fn collect(value: &Value, place: &str, out: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, place, out)),
        Value::Object(map) => {
            // A data source variable's query is the type of the data source.
            if map.get("type").is_some_and(|kind| kind == "datasource") {
                return;
            }
            let title = map.get("title").or_else(|| map.get("name")).and_then(Value::as_str);
            let own = title.filter(|t| !t.is_empty()).map(|title| format!("{place}: {title}"));
            let place = own.as_deref().unwrap_or(place);
            for (key, item) in map {
                match item.as_str().filter(|_| QUERY_KEYS.contains(&key.as_str())) {
                    Some(text) => out.push((place.to_owned(), selector_of(text).to_owned())),
                    None => collect(item, place, out),
                }
            }
        }
        _ => {}
    }
}

/// The selector within `label_values(SELECTOR, LABEL)`; other queries as they are.
fn selector_of(query: &str) -> &str {
    let inner = query.strip_prefix("label_values(").and_then(|q| q.strip_suffix(')'));
    inner.map_or(query, |inner| inner.rsplit_once(',').map_or("", |(selector, _)| selector))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> Known {
        Known::load(&catalogues(&repo::root().unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn a_metric_that_nobody_emits_is_named_with_its_panel() {
        let board = json!({"title": "Board", "panels": [{"title": "Row", "panels": [
            {"title": "Errors", "targets": [{"expr": "rate(nestr_nowhere_total[5m]) / up"}]}]}]});
        assert_eq!(
            dashboard("b.json", &board, &known()),
            [
                "b.json: Board: Row: Errors: nobody emits `nestr_nowhere_total`; the catalogue has what there is"
            ]
        );
    }

    #[test]
    fn variables_are_looked_at_too() {
        let board = json!({"templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus"},
            {"name": "job", "type": "query", "query": {"query": "label_values(nowhere{a=\"b\"}, job)"}},
            {"name": "slo", "type": "query", "query": "label_values(sloth_slo_info, sloth_slo)"}]}});
        assert_eq!(dashboard("b.json", &board, &known()).len(), 1);
    }

    #[test]
    fn histograms_families_and_prefixes_are_known() {
        for (query, is_known) in [
            ("nestr_http_request_duration_seconds_bucket", true),
            ("nestr_http_request_duration_seconds", false),
            ("slo:sli_error:ratio_rate7h", true),
            ("{__name__=~\"slo:sli_error:ratio_rate.+\"}", true),
            ("{__name__=~\"slo:nothing:.+\"}", false),
            ("{__name__=~\".+\"}", false),
            ("ALERTS{alertstate=\"firing\"}", true),
            ("perch_slo_burn_rate", true),
        ] {
            assert_eq!(known().faults("", query).is_empty(), is_known, "{query}");
        }
    }
}
