//! `perch slo test`: generated rules against generated tests, judged by promtool.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::generate::write_all;
use super::input::Input;
use super::promtool::{self, Verdict};
use super::{VERIFICATION_FAILED, output};

/// `perch slo test FILE...`
#[derive(Debug, clap::Args)]
pub(super) struct TestArgs {
    #[command(flatten)]
    input: Input,
    /// Keep rules and tests in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One file and what promtool said of it.
struct Judged {
    file: String,
    n_cases: usize,
    verdict: Verdict,
}

/// Prints a line per file; 5 where a test fails.
pub(super) fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let options = args.input.options();
    let compiled = match output::sound(args.input.compile(&options))? {
        Ok(compiled) => compiled,
        Err(code) => return Ok(code),
    };
    let promtool = promtool::find()?;
    let artifacts = compiled.artifacts(&options);
    let temporary;
    let folder: &Path = match &args.keep {
        Some(folder) => folder,
        None => {
            temporary = tempfile::tempdir()?;
            temporary.path()
        }
    };
    let files: BTreeMap<PathBuf, String> =
        artifacts.iter().map(|(name, text)| (folder.join(name), text.clone())).collect();
    write_all(&files)?;
    let judged = judge(&promtool, folder, &artifacts)?;
    let untested: Vec<String> = compiled
        .plans
        .iter()
        .map(|plan| plan.objective.id())
        .filter(|id| !judged.iter().any(|j| j.file.starts_with(&format!("tests/{id}."))))
        .collect();
    let passed = judged.iter().all(|j| j.verdict.passed);
    output::print(&report(&judged, &untested, passed, args.json))?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(VERIFICATION_FAILED) })
}

fn judge(
    promtool: &Path,
    folder: &Path,
    artifacts: &BTreeMap<String, String>,
) -> anyhow::Result<Vec<Judged>> {
    let mut judged = Vec::new();
    for (file, text) in artifacts {
        let args: &[&str] = match file.split_once('/') {
            Some(("rules", _)) => &["check", "rules", "--lint=all", file],
            Some(("tests", _)) => &["test", "rules", file],
            _ => continue,
        };
        let n_cases =
            if file.starts_with("tests/") { text.matches("\n- name: ").count() } else { 0 };
        // promtool takes a test's rule files relative to the test.
        let verdict = promtool::call(promtool, folder, args)?;
        judged.push(Judged { file: file.clone(), n_cases, verdict });
    }
    Ok(judged)
}

fn report(judged: &[Judged], untested: &[String], passed: bool, as_json: bool) -> String {
    if as_json {
        let one = |j: &Judged| json!({"file": j.file, "cases": j.n_cases, "passed": j.verdict.passed, "said": j.verdict.said.trim()});
        let files: Vec<_> = judged.iter().map(one).collect();
        return format!("{}\n", json!({"ok": passed, "files": files, "untested": untested}));
    }
    let mut out = String::new();
    for j in judged {
        let word = if j.verdict.passed { "ok" } else { "FAILED" };
        let cases = if j.n_cases > 0 { format!(" ({} cases)", j.n_cases) } else { String::new() };
        out.push_str(&format!("{word:6}  {}{cases}\n", j.file));
        if !j.verdict.passed {
            out.push_str(&j.verdict.said);
        }
    }
    for id in untested {
        out.push_str(&format!(
            "none    {id}: its queries are for the rules only, so no series can be made up\n"
        ));
    }
    let n: usize = judged.iter().map(|j| j.n_cases).sum();
    let n_failed = judged.iter().filter(|j| !j.verdict.passed).count();
    let verdict = if passed { "all passed".to_owned() } else { format!("{n_failed} files failed") };
    out.push_str(&format!("\n{n} cases, {verdict}\n"));
    out
}
