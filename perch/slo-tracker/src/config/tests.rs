//! Settings: defaults, and what is refused with its place.

use std::path::Path;

use collector_pipeline::config::{Tree, with_defaults};

use super::raw::{Raw, Settings};

const OBJECTIVE: &str = "version: prometheus/v1\nservice: shop\nslos:\n  - name: pay\n    objective: 99\n    sli: {plugin: \
     {id: perch.dev/spans/v1, options: {service: shop}}}\n    alerting: {name: ShopPay}\n";

fn resolve(dir: &Path, settings: &str) -> Result<Settings, String> {
    let text = settings.replace("DIR", &dir.display().to_string());
    let tree = Tree::parse(&text).unwrap();
    let raw = tree.read::<Raw>().map_err(|e| e.to_string())?;
    raw.resolve(&tree).map_err(|e| e.to_string().replace(&dir.display().to_string(), "DIR"))
}

#[test]
fn defaults_as_they_are_written_out_are_those_that_are_used() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("pay.yaml"), OBJECTIVE).unwrap();
    let least = format!("objectives: ['{}/*.yaml']", dir.path().display());
    let defaults = Tree::parse(crate::DEFAULTS).unwrap();
    let whole = with_defaults(&Tree::parse(&least).unwrap(), &defaults).to_yaml();
    let used = |text: &str| format!("{:?}", resolve(dir.path(), text).unwrap());
    assert_eq!(used(&whole), used(&least));
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    file("pay.yaml", OBJECTIVE);
    file("bad.yml", &OBJECTIVE.replace("objective: 99", "objective: 199"));
    file(
        "short.windows",
        "version: alertWindows/v1\nsloPeriod: 30d\npage:\n  quick: {errorBudgetPercent: 2, shortWindow: 5s, longWindow: 1m}\n  slow: {errorBudgetPercent: 5, shortWindow: 30s, longWindow: 6m}\nticket:\n  quick: {errorBudgetPercent: 10, shortWindow: 2m, longWindow: 24m}\n  slow: {errorBudgetPercent: 10, shortWindow: 6m, longWindow: 72m}\n",
    );
    let refusals: Vec<String> = [
        "{}",
        "objectives: [DIR/nothing.yaml]",
        "objectives: [DIR/*.json]",
        "objectives: [DIR/bad.yml]",
        "objectives: [DIR/pay.yaml]\nresolution: 7s",
        "objectives: [DIR/pay.yaml]\nresolution: 1500ms",
        "objectives: [DIR/pay.yaml]\nwindows: DIR/short.windows",
        "objectives: [DIR/pay.yaml]\npolicy: {caution: 5}",
        "objectives: [DIR/pay.yaml]\npolicy: {hysteresis: 80}",
        "objectives: [DIR/pay.yaml]\nmax_traces: 9999",
        "objectives: [DIR/pay.yaml]\ngroups: 3",
    ]
    .map(|text| resolve(dir.path(), text).unwrap_err())
    .into();
    insta::assert_snapshot!(refusals.join("\n"));
    let settings = "objectives: [DIR/pay.yaml]\nwindows: DIR/short.windows\nresolution: 5s";
    assert_eq!(resolve(dir.path(), settings).unwrap().objectives.all[0].windows.len(), 8 - 1);
}
