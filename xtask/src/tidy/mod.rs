//! `xtask tidy`: watches the tail, because the median looks after itself.
//!
//! # Invariants
//! 1. A file past [`MAX_FILE`] product lines needs a dated line in `allow.txt`; a function past
//!    [`MAX_FUNCTION`] has no way out.
//! 2. Every `.rs` file says what it is in its first line.
//! 3. A path or test named in a document exists ([`documents`]).

mod documents;

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::repo;
use crate::source::{self, Source};

/// Product lines past which a file must be on the allow-list.
const MAX_FILE: usize = 800;
/// Product lines past which a file wants a reason.
const WARN_FILE: usize = 400;
/// Lines past which a function fails.
const MAX_FUNCTION: usize = 100;
/// Lines past which a function is worth a look.
const WARN_FUNCTION: usize = 60;
/// Percentiles of file length over the tree.
const PERCENTILES: [(usize, usize); 2] = [(90, 350), (99, 600)];
/// `unwrap` and `expect` outside tests per thousand lines.
const MAX_UNWRAPS_PER_1000: usize = 1;

/// Fails if a budget is passed; prints what is near one.
pub fn run(root: &Path) -> Result<()> {
    let sources = source::product(root)?;
    let allowed = fs::read_to_string(root.join("xtask/src/tidy/allow.txt")).unwrap_or_default();
    let mut findings = Vec::new();
    for source in &sources {
        file(source, &allowed, &mut findings);
        functions(source, &mut findings);
    }
    percentiles(&sources, &mut findings);
    unwraps(&sources, &mut findings);
    unfinished(&sources, &mut findings);
    findings.extend(documents::check(root)?);
    repo::verdict("tidy", &findings)
}

fn file(source: &Source, allowed: &str, findings: &mut Vec<String>) {
    let n = source.n_product();
    if n > MAX_FILE && !allowed.lines().any(|l| l.split_whitespace().nth(1) == Some(&source.path)) {
        findings.push(format!("{}: {n} lines, more than {MAX_FILE}", source.path));
    } else if n > WARN_FILE {
        eprintln!("tidy: note: {} has {n} lines", source.path);
    }
    if !source.lines.first().is_some_and(|l| l.starts_with("//!")) {
        findings.push(format!(
            "{}: the first line does not say what the file is (`//! …`)",
            source.path
        ));
    }
}

fn functions(source: &Source, findings: &mut Vec<String>) {
    for f in source.functions() {
        let place = format!("{}:{}: {} lines: {}", source.path, f.line, f.n_lines, f.head);
        if f.n_lines > MAX_FUNCTION {
            findings.push(place);
        } else if f.n_lines > WARN_FUNCTION {
            eprintln!("tidy: note: {place}");
        }
    }
}

fn percentiles(sources: &[Source], findings: &mut Vec<String>) {
    let mut lengths: Vec<usize> = sources.iter().map(Source::n_product).collect();
    lengths.sort_unstable();
    for (percent, max) in PERCENTILES {
        let at = lengths.len().saturating_sub(1) * percent / 100;
        let length = lengths.get(at).copied().unwrap_or_default();
        if length > max {
            findings.push(format!(
                "{percent} % of files are to have at most {max} lines, but it is {length}"
            ));
        }
    }
}

fn unwraps(sources: &[Source], findings: &mut Vec<String>) {
    let calls = [".unwrap()", ".expect("];
    let mut places = Vec::new();
    for source in sources {
        for (n, line) in source.code() {
            if calls.iter().any(|call| line.contains(call)) {
                places.push(format!("{}:{n}", source.path));
            }
        }
    }
    let n_lines: usize = sources.iter().map(Source::n_product).sum();
    if places.len() * 1000 > n_lines * MAX_UNWRAPS_PER_1000 {
        findings.push(format!(
            "{} unwraps in {n_lines} lines: {}",
            places.len(),
            places.join(", ")
        ));
    }
}

fn unfinished(sources: &[Source], findings: &mut Vec<String>) {
    // Spelt in halves, or this file would find itself.
    let marks = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
    ];
    for source in sources {
        for (n, line) in source.lines.iter().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                findings.push(format!("{}:{}: unfinished: {}", source.path, n + 1, line.trim()));
            }
        }
    }
}
