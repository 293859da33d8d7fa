//! Tries a tree and says what came of it.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use nestr_pellets::{Ecosystem, Expected, SelfTest, Shape, self_tests};
use serde_json::{Value, json};

use super::command::{Ended, Ran, run};
use crate::operations::Cancel;

/// What became of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The tree works as far as this test tells.
    Passed,
    /// It does not: why.
    Failed(String),
    /// It could not be tried: why.
    Untried(String),
}

/// A test and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Of which tool.
    pub ecosystem: Ecosystem,
    /// The command as a person would type it.
    pub command: String,
    /// What became of it.
    pub verdict: Verdict,
    /// How long it took.
    pub duration: Duration,
}

/// What all tests together say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofOutcome {
    /// Each tree of dependencies passed.
    Proved,
    /// One failed.
    Refuted,
    /// None failed, but one could not be tried, or there is none.
    Unproven,
}

impl ProofOutcome {
    /// A stable word for results, spans and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Refuted => "refuted",
            Self::Unproven => "unproven",
        }
    }
}

/// The proof that a restored tree works, or that it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What all tests together say.
    pub outcome: ProofOutcome,
    /// Each test.
    pub tests: Vec<Tested>,
}

impl Proof {
    /// As results and events tell it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let test = |tested: &Tested| {
            let (verdict, detail) = match &tested.verdict {
                Verdict::Passed => ("passed", None),
                Verdict::Failed(why) => ("failed", Some(why)),
                Verdict::Untried(why) => ("untried", Some(why)),
            };
            json!({
                "ecosystem": tested.ecosystem.as_str(), "command": tested.command,
                "verdict": verdict, "detail": detail,
                "duration_ms": u64::try_from(tested.duration.as_millis()).unwrap_or(u64::MAX),
            })
        };
        json!({
            "outcome": self.outcome.as_str(),
            "tests": self.tests.iter().map(test).collect::<Vec<_>>(),
        })
    }

    /// The first reason why the tree is not proved.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let of = |tested: &Tested| match &tested.verdict {
            Verdict::Failed(why) | Verdict::Untried(why) => {
                Some(format!("{}: {why}", tested.command))
            }
            Verdict::Passed => None,
        };
        let failed = self.tests.iter().filter(|t| matches!(t.verdict, Verdict::Failed(_)));
        match self.outcome {
            ProofOutcome::Proved => None,
            ProofOutcome::Refuted => failed.filter_map(of).next(),
            ProofOutcome::Unproven => {
                let none = "no self-test is known for what was restored".to_owned();
                Some(self.tests.iter().find_map(of).unwrap_or(none))
            }
        }
    }
}

/// Runs the self-tests of `shapes` in the tree at `root`, each for at most `deadline`; none any more once `cancel` is
/// asked.
///
/// # Errors
/// Only where the root itself cannot be found; a test that cannot run is a verdict.
pub fn prove(
    shapes: &[Shape],
    root: &Path,
    deadline: Duration,
    cancel: &Cancel,
) -> io::Result<Proof> {
    let root = root.canonicalize()?;
    let mut proof = Proof { outcome: ProofOutcome::Unproven, tests: Vec::new() };
    let mut n_proved = 0;
    for shape in shapes {
        let tests: Vec<_> =
            self_tests(shape, &root).iter().map(|t| tried(t, deadline, cancel)).collect();
        n_proved += usize::from(tests.iter().any(|t| t.verdict == Verdict::Passed));
        proof.tests.extend(tests);
    }
    let refuted = proof.tests.iter().any(|t| matches!(t.verdict, Verdict::Failed(_)));
    proof.outcome = match (refuted, n_proved == shapes.len() && n_proved > 0) {
        (true, _) => ProofOutcome::Refuted,
        (false, true) => ProofOutcome::Proved,
        (false, false) => ProofOutcome::Unproven,
    };
    Ok(proof)
}

pub(super) fn tried(test: &SelfTest, deadline: Duration, cancel: &Cancel) -> Tested {
    let started = Instant::now();
    let verdict = match test.needs.iter().find(|path| !path.exists()) {
        _ if cancel.is_asked() => Verdict::Untried("it was cancelled".to_owned()),
        Some(missing) => Verdict::Untried(format!("{} is not there", missing.display())),
        None => {
            let stops = if test.expected == Expected::Fresh { compiled } else { |_: &[u8]| None };
            verdict(test, run(test, deadline, cancel, stops), deadline)
        }
    };
    Tested {
        ecosystem: test.ecosystem,
        command: typed(&test.command),
        verdict,
        duration: started.elapsed(),
    }
}

fn verdict(test: &SelfTest, ran: io::Result<Ran>, deadline: Duration) -> Verdict {
    let ran = match ran {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Verdict::Untried("the program is not installed".to_owned());
        }
        Err(e) => return Verdict::Failed(format!("it cannot be started: {e}")),
        Ok(ran) => ran,
    };
    match ran.ended {
        Ended::Late => Verdict::Failed(format!("it did not end within {} s", deadline.as_secs())),
        Ended::Stopped(reason) => Verdict::Failed(reason),
        Ended::Cancelled => Verdict::Untried("it was cancelled".to_owned()),
        Ended::Badly(status) => {
            let last = ran.complaint.trim().lines().next_back().unwrap_or_default();
            Verdict::Failed(format!("{status}: {last}"))
        }
        Ended::Well => match &test.expected {
            Expected::Success | Expected::Fresh => Verdict::Passed,
            Expected::Prints(line) if ran.output.trim_end() == line.to_string_lossy() => {
                Verdict::Passed
            }
            Expected::Prints(line) => {
                let (found, line) = (ran.output.trim_end(), line.to_string_lossy());
                Verdict::Failed(format!("it says {found:?} instead of {line:?}"))
            }
        },
    }
}

/// Why a line of cargo's messages says that the tree is not as it was built.
fn compiled(line: &[u8]) -> Option<String> {
    let message: Value = serde_json::from_slice(line).ok()?;
    let package = message.get("package_id").and_then(Value::as_str).unwrap_or("a package");
    let artifact = message.get("reason")?.as_str()? == "compiler-artifact";
    (artifact && !message.get("fresh")?.as_bool()?).then(|| format!("{package} was compiled again"))
}

fn typed(command: &[OsString]) -> String {
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
