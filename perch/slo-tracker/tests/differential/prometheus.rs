//! promtool: Prometheus' own storage, rule manager and query engine, over time that is made up.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::traffic::{SCRAPE, Sample, Traffic, Window};

/// The pinned promtool; without it the test's name goes to the list of those not run.
pub fn promtool(test: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = Command::new(root.join("tools/backends/path")).arg("promtool").output().unwrap();
    if found.status.success() {
        return Some(PathBuf::from(String::from_utf8(found.stdout).unwrap().trim()));
    }
    eprintln!("NOT RUN: {test}: promtool is absent (make backends)");
    if let Some(list) = std::env::var_os("NESTR_NOT_RUN") {
        let mut list = fs::OpenOptions::new().append(true).create(true).open(list).unwrap();
        writeln!(list, "perch-slo-tracker::{test}: promtool is absent").unwrap();
    }
    None
}

/// One seed's samples and what must come of them.
pub struct Case {
    text: String,
    n_expected: usize,
}

impl Case {
    pub fn new(seed: u64, traffic: &Traffic) -> Self {
        let values = |of: fn(&Sample) -> u64| -> String {
            let all = traffic.samples.iter();
            let all = all.map(|s| s.as_ref().map_or("_".to_owned(), |s| of(s).to_string()));
            all.collect::<Vec<_>>().join(" ")
        };
        let mut text = format!("- name: seed {seed}\n  interval: {SCRAPE}s\n  input_series:\n");
        for (code, values) in [("200", values(|s| s.good)), ("500", values(|s| s.bad))] {
            let _ = writeln!(
                text,
                "  - series: 'shop_requests_total{{code=\"{code}\"}}'\n    values: '{values}'"
            );
        }
        text.push_str("  promql_expr_test:\n");
        Self { text, n_expected: 0 }
    }

    /// At a time the window's two counts are within their bounds.
    pub fn expect(&mut self, at: u64, window: &str, is: Window) {
        for (what, count, bound) in [("bad", is.bad, is.bounds.0), ("total", is.total, is.bounds.1)]
        {
            // A whole number in floating point, and a bound of nothing where nothing happened.
            let bound = bound * 1.000_001 + 0.001;
            let _ = writeln!(
                self.text,
                "  - expr: 'abs(max(slo:sli:events_{what}:increase{window}) - {count}) <= bool {bound}'\n    eval_time: {at}s\n    exp_samples: [{{labels: \"{{}}\", value: 1}}]"
            );
            self.n_expected += 1;
        }
    }

    pub fn n_expected(&self) -> usize {
        self.n_expected
    }
}

/// Runs all cases in one process.
pub fn judge(promtool: &Path, rules: &str, cases: &[Case]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yaml"), rules).unwrap();
    let mut tests = "rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n".to_owned();
    cases.iter().for_each(|case| tests.push_str(&case.text));
    fs::write(folder.path().join("tests.yaml"), tests).unwrap();
    let out = Command::new(promtool)
        .args(["test", "rules", "tests.yaml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
}
