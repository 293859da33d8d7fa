//! Cases that nobody here wrote: Sloth's integration data and OpenSLO's inputs, where they are present.
//!
//! They lie beside the checkout or where `NESTR_TEST_CORPORA` says; without them the tests say so and pass.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use promql_parser::parser::{self, Expr};
use slo::compile::{Compiled, compile};
use slo::finding::{Code, Level};
use slo::length::Length;
use slo::plan::{Options, Profile};
use slo::rules::Rule;
use slo::spec::Source;
use slo::yaml::{Tree, Value};

fn corpus(part: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
    let root = std::env::var_os("NESTR_TEST_CORPORA").map_or_else(beside, PathBuf::from);
    let folder = root.join("slo").join(part);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "skipped: no corpus of {part} beside the checkout; NESTR_TEST_CORPORA names another place"
    );
    None
}

fn options() -> Options {
    Options::new(Profile::Sloth, "events_total")
}

fn compiled(folder: &Path, name: &str, more: &[(&str, &str)], options: &Options) -> Compiled {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let mut sources = vec![Source { name, text: &text }];
    sources.extend(more.iter().map(|(name, text)| Source { name, text }));
    compile(&sources, options)
}

/// An expression without its parentheses, every operator with its operands in brackets.
fn canonical(expr: &Expr) -> String {
    match expr {
        Expr::Paren(e) => canonical(&e.expr),
        Expr::Binary(e) => {
            let (l, r) = (canonical(&e.lhs), canonical(&e.rhs));
            format!("[{l} {} {:?} {r}]", e.op, e.modifier)
        }
        Expr::Aggregate(e) => format!("{} {:?} [{}]", e.op, e.modifier, canonical(&e.expr)),
        Expr::Call(e) => {
            let args: Vec<String> = e.args.args.iter().map(|a| canonical(a)).collect();
            format!("{}[{}]", e.func.name, args.join(", "))
        }
        other => other.to_string(),
    }
}

/// Texts are equal, and the numbers in them within a millionth of a millionth.
fn assert_same(ours: &str, theirs: &str, what: &str) {
    let tree =
        |text: &str| canonical(&parser::parse(text).unwrap_or_else(|e| panic!("{e}: {text}")));
    let (a, b) = (tree(ours), tree(theirs));
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| " []()".contains(c))
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (a, b) = (words(&a), words(&b));
    assert_eq!(a.len(), b.len(), "{what}\nours:   {ours}\ntheirs: {theirs}");
    for (x, y) in a.iter().zip(&b) {
        let same = match (x.parse::<f64>(), y.parse::<f64>()) {
            (Ok(x), Ok(y)) => (x - y).abs() <= 1e-12 * x.abs().max(1.0),
            _ => x == y,
        };
        assert!(same, "{what}: {x} and {y}\nours:   {ours}\ntheirs: {theirs}");
    }
}

type Key = (String, usize, String, String);

/// Rules of a golden file: group and place, name, expression, and the maps.
fn golden(folder: &Path, name: &str) -> BTreeMap<Key, (String, BTreeMap<String, String>)> {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let text =
        text.replace("{{ .version }}", "VERSION").replace("{{\"{{", "{{").replace("}}\"}}", "}}");
    let mut rules = BTreeMap::new();
    for document in Tree::parse_all(&text).unwrap() {
        let body = document.get("spec").unwrap_or(&document);
        for group in list(body.get("groups")) {
            let group_name = group.get("name").and_then(Tree::as_text).unwrap();
            for (n, rule) in list(group.get("rules")).iter().enumerate() {
                let text = |key| rule.get(key).and_then(Tree::as_text);
                let record = text("record").or_else(|| text("alert")).unwrap();
                for part in ["labels", "annotations"] {
                    let key = (group_name.clone(), n, record.clone(), part.to_owned());
                    rules.insert(key, (text("expr").unwrap(), map(rule.get(part))));
                }
            }
        }
    }
    rules
}

fn list(tree: Option<&Tree>) -> &[Tree] {
    match tree.map(|t| &t.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

fn map(tree: Option<&Tree>) -> BTreeMap<String, String> {
    match tree.map(|t| &t.value) {
        Some(Value::Map(entries)) => {
            entries.iter().map(|(k, v)| (k.value.clone(), v.as_text().unwrap())).collect()
        }
        _ => BTreeMap::new(),
    }
}

fn judge(folder: &Path, input: &str, output: &str, more: &[(&str, &str)], options: &Options) {
    let compiled = compiled(folder, input, more, options);
    assert!(compiled.sound, "{input}: {:#?}", compiled.findings);
    let theirs = golden(folder, output);
    let mut n_rules = 0;
    for file in compiled.rule_files(options) {
        for group in &file.groups {
            for (n, rule) in group.rules.iter().enumerate() {
                n_rules += 1;
                judge_rule(&theirs, &group.name, n, rule, output);
            }
        }
    }
    assert_eq!(n_rules * 2, theirs.len(), "{output}");
}

fn judge_rule(
    theirs: &BTreeMap<Key, (String, BTreeMap<String, String>)>,
    group: &str,
    n: usize,
    rule: &Rule,
    output: &str,
) {
    for (part, ours) in [("labels", &rule.labels), ("annotations", &rule.annotations)] {
        let key = (group.to_owned(), n, rule.name.clone(), part.to_owned());
        let (expr, map) = theirs.get(&key).unwrap_or_else(|| panic!("{output} has no {key:?}"));
        assert_same(&rule.expr, expr, &format!("{output}: {group} {}", rule.name));
        let mut ours = ours.clone();
        if ours.contains_key("sloth_version") {
            ours.insert("sloth_version".into(), "VERSION".into());
        }
        // Whether a file or a controller was asked is no property of the rules.
        assert_eq!(&ours, map, "{output}: {group} {} {part}", rule.name);
    }
}

const WEEK: &str = "version: alertWindows/v1\nsloPeriod: 7d\n\
    page:\n  quick: {errorBudgetPercent: 8, shortWindow: 5m, longWindow: 1h}\n  slow: {errorBudgetPercent: 12.5, shortWindow: 30m, longWindow: 6h}\n\
    ticket:\n  quick: {errorBudgetPercent: 20, shortWindow: 2h, longWindow: 1d}\n  slow: {errorBudgetPercent: 42, shortWindow: 6h, longWindow: 3d}\n";

#[test]
fn sloths_goldens_are_what_the_sloth_profile_gives() {
    let Some(folder) = corpus("sloth") else { return };
    let base = options();
    let of = |change: &dyn Fn(&mut Options)| {
        let mut options = base.clone();
        change(&mut options);
        options
    };
    let days = |n: u64| Length(n * 86_400);
    let labels = [("exk1", "exv1"), ("exk2", "exv2")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    for (input, output, more, options) in [
        ("in-base.yaml", "out-base.yaml.tpl", vec![], base.clone()),
        ("in-base.yaml", "out-base-28d.yaml.tpl", vec![], of(&|o| o.period = days(28))),
        (
            "in-base.yaml",
            "out-base-custom-windows-7d.yaml.tpl",
            vec![("week", WEEK)],
            of(&|o| o.period = days(7)),
        ),
        (
            "in-base.yaml",
            "out-base-extra-labels.yaml.tpl",
            vec![],
            of(&|o| o.extra_labels = labels.clone().into()),
        ),
        ("in-base.yaml", "out-base-no-alerts.yaml.tpl", vec![], of(&|o| o.alerts = false)),
        ("in-base.yaml", "out-base-no-recordings.yaml.tpl", vec![], of(&|o| o.recordings = false)),
        ("in-base-k8s.yaml", "out-base-k8s.yaml.tpl", vec![], base.clone()),
        ("in-multifile.yaml", "out-multifile.yaml.tpl", vec![], base.clone()),
        ("in-openslo.yaml", "out-openslo.yaml.tpl", vec![], base.clone()),
    ] {
        judge(&folder, input, output, &more, &options);
    }
}

#[test]
fn sloths_good_specifications_pass_and_its_bad_ones_fail() {
    let Some(folder) = corpus("sloth") else { return };
    for (part, wanted) in [("good", true), ("bad", false)] {
        let folder = folder.join("validate").join(part);
        let mut n = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let compiled = compiled(&folder, &name, &[], &options());
            assert_eq!(compiled.sound, wanted, "{name}: {:#?}", compiled.findings);
            n += 1;
        }
        assert!(n >= 6, "{part} has {n} files");
    }
}

/// What is valid is read or refused as unsupported; what is invalid is an error of another kind.
#[test]
fn openslo_inputs_are_judged_as_their_names_say() {
    let Some(folder) = corpus("openslo") else { return };
    let mut n = 0;
    visit(&folder, &mut |path| {
        let text = fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let compiled = compile(&[Source { name, text: &text }], &options());
        let wrong = |f: &&slo::finding::Finding| {
            f.level == Level::Error && !matches!(f.code, Code::Unsupported | Code::Unresolved)
        };
        let faults: Vec<_> = compiled.findings.iter().filter(wrong).collect();
        let invalid =
            ["invalid", "malformed", "no-cond", "many-cond"].iter().any(|w| name.contains(w));
        // One file of that name is valid in all it says.
        let invalid = invalid && name != "alert-condition-invalid-name.yaml";
        assert_eq!(!faults.is_empty(), invalid, "{name}: {:#?}", compiled.findings);
        n += 1;
    });
    assert!(n >= 3, "{n} files");
}

fn visit(folder: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, each);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            each(&path);
        }
    }
}
