//! Alerts and objectives: every expression names what somebody emits, every alert has a test and a runbook.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value as Json;
use slo::yaml::{Tree, Value};

use crate::generate::{catalogues, objectives};
use crate::known::Known;
use crate::repo;

/// Every fault of `alerts/rules` and of the objectives.
pub fn check(root: &Path, known: &Known) -> Result<Vec<String>> {
    let [_, _, perch] = catalogues(root)?;
    let (compiled, options) = objectives::compiled(root, &perch)?;
    let mut findings = BTreeSet::new();
    for plan in &compiled.plans {
        let place = format!("{}: {}", plan.objective.origin.file, plan.objective.id());
        for rule in slo::rules::groups(plan, &options).iter().flat_map(|g| &g.rules) {
            findings.extend(known.faults(&place, &rule.expr));
        }
    }
    let tests = texts(root, "alerts/tests")?;
    let boards = boards(root)?;
    for (name, text) in texts(root, "alerts/rules")? {
        findings.extend(dashboard_links(&name, &text, &boards));
        let alerts = rules(&name, &text, known, &mut findings);
        for alert in alerts {
            if !root.join(format!("alerts/runbooks/{alert}.md")).is_file() {
                findings.insert(format!("{name}: {alert} has no page in alerts/runbooks"));
            }
            if !tests.iter().any(|(_, text)| names(text, &alert)) {
                findings.insert(format!("{name}: {alert} has no test in alerts/tests"));
            }
        }
    }
    Ok(findings.into_iter().collect())
}

fn texts(root: &Path, folder: &str) -> Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for file in repo::files(root)? {
        if file.starts_with(folder) && file.extension().is_some_and(|e| e == "yaml") {
            texts.push((file.display().to_string(), fs::read_to_string(root.join(&file))?));
        }
    }
    Ok(texts)
}

/// Whether a test expects the alert, fired or not.
fn names(test: &str, alert: &str) -> bool {
    test.match_indices(&format!("alertname: {alert}")).any(|(at, found)| {
        let next = test[at + found.len()..].chars().next();
        !next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// The rendered dashboards: uid and names of variables.
fn boards(root: &Path) -> Result<Vec<(String, BTreeSet<String>)>> {
    let mut boards = Vec::new();
    for file in repo::files(root)?.iter().filter(|f| f.starts_with("dashboards/rendered")) {
        let board: Json = serde_json::from_str(&fs::read_to_string(root.join(file))?)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let variables = board["templating"]["list"].as_array().into_iter().flatten();
        let names = variables.filter_map(|v| v["name"].as_str().map(str::to_owned)).collect();
        boards.push((board["uid"].as_str().unwrap_or_default().to_owned(), names));
    }
    Ok(boards)
}

/// A finding for every link to a dashboard or a variable that does not exist.
fn dashboard_links(name: &str, text: &str, boards: &[(String, BTreeSet<String>)]) -> Vec<String> {
    let mut findings = Vec::new();
    for link in text.split("dashboard_url: ").skip(1).filter_map(|rest| rest.lines().next()) {
        let link = link.trim_matches('"');
        let (path, query) = link.split_once('?').unwrap_or((link, ""));
        let uid = path.rsplit_once("/d/").map_or("", |(_, uid)| uid);
        let Some((_, variables)) = boards.iter().find(|(known, _)| known == uid) else {
            findings.push(format!("{name}: no dashboard has the uid `{uid}` of {link}"));
            continue;
        };
        let named =
            query.split('&').filter_map(|pair| pair.strip_prefix("var-")?.split('=').next());
        findings.extend(
            named
                .filter(|v| !variables.contains(*v))
                .map(|v| format!("{name}: the dashboard {uid} has no variable `{v}` of {link}")),
        );
    }
    findings
}

/// Checks a rule file's expressions; gives its alerts.
fn rules(name: &str, text: &str, known: &Known, findings: &mut BTreeSet<String>) -> Vec<String> {
    let documents = match Tree::parse_all(text) {
        Ok(documents) => documents,
        Err((at, message)) => {
            findings.insert(format!("{name}:{at}: {message}"));
            return Vec::new();
        }
    };
    let mut alerts = Vec::new();
    let groups = documents.iter().flat_map(|d| list(d.get("groups")));
    for rule in groups.flat_map(|group| list(group.get("rules"))) {
        let alert = rule.get("alert").and_then(Tree::as_text);
        let title = alert.clone().or_else(|| rule.get("record").and_then(Tree::as_text));
        let place = format!("{name}: {}", title.unwrap_or_default());
        let expr = rule.get("expr").and_then(Tree::as_text).unwrap_or_default();
        findings.extend(known.faults(&place, &expr));
        alerts.extend(alert);
    }
    alerts
}

fn list(tree: Option<&Tree>) -> &[Tree] {
    match tree.map(|t| &t.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_names_a_metric_nobody_emits_is_a_fault() {
        let root = repo::root().unwrap();
        let known = Known::load(&catalogues(&root).unwrap()).unwrap();
        let mut findings = BTreeSet::new();
        let text = "groups: [{name: g, rules: [{alert: A, expr: 'rate(nestr_nowhere_total[5m]) > 0'}, {record: r, expr: up}]}]";
        assert_eq!(rules("r.yaml", text, &known, &mut findings), ["A"]);
        let found: Vec<_> = findings.into_iter().collect();
        assert_eq!(
            found,
            ["r.yaml: A: nobody emits `nestr_nowhere_total`; the catalogue has what there is"]
        );
    }

    #[test]
    fn a_link_to_what_is_not_on_a_dashboard_is_a_fault() {
        let boards = boards(&repo::root().unwrap()).unwrap();
        let faults =
            |link: &str| dashboard_links("r", &format!("  dashboard_url: \"{link}\"\n"), &boards);
        assert_eq!(faults("/d/perch-slo?var-service=a&var-slo=b&from=1"), Vec::<String>::new());
        assert_eq!(
            faults("http://g/d/perch-slo?var-objective=b"),
            [
                "r: the dashboard perch-slo has no variable `objective` of http://g/d/perch-slo?var-objective=b"
            ]
        );
        assert_eq!(faults("/d/nowhere"), ["r: no dashboard has the uid `nowhere` of /d/nowhere"]);
    }

    #[test]
    fn a_test_names_its_alert_whole() {
        assert!(names("{eval_time: 1m, alertname: Fails, exp", "Fails"));
        assert!(!names("alertname: FailsMissing", "Fails"));
    }

    #[test]
    fn an_objective_that_names_a_metric_nobody_emits_is_a_fault() {
        let root = repo::root().unwrap();
        assert_eq!(
            check(&root, &Known::load(&catalogues(&root).unwrap()).unwrap()).unwrap(),
            Vec::<String>::new()
        );
        let findings = check(&root, &Known::default()).unwrap();
        let of = |file: &str| findings.iter().any(|f| f.starts_with(file));
        assert!(
            of("slo/objectives/engine.yaml: nestr-rest-latency: nobody emits"),
            "{findings:#?}"
        );
        assert!(
            of("alerts/rules/health.yaml: PerchTargetDown: nobody emits `up`"),
            "{findings:#?}"
        );
    }
}
