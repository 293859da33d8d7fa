//! How a command fails: its exit code, a stable code, what happened, what to do.

use std::io::Write as _;
use std::process::ExitCode;

use nestr_server::{Code, Problem};
use serde::Serialize;

/// Exit codes of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It failed.
    Failure = 1,
    /// It was asked wrongly.
    Usage = 2,
    /// Something else holds what it needs.
    Conflict = 3,
    /// What it was asked about is not there.
    NotFound = 4,
    /// What it looked at is not what it should be.
    Unverified = 5,
    /// Somebody interrupted it.
    Interrupted = 130,
}

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    code: &'static str,
    message: String,
    hint: Option<String>,
    trace_id: Option<String>,
}

/// What a program reads: the members of REST's problems, with the exit code in the place of the status.
#[derive(Serialize)]
struct Told<'a> {
    r#type: String,
    title: String,
    detail: &'a str,
    code: &'a str,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
}

impl Failure {
    /// A failure with a stable code; `message` says what happened, to what, and why.
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self { exit, code, message: message.into(), hint: None, trace_id: None }
    }

    /// A failure without a kind of its own: its message and its causes.
    pub(crate) fn of(error: &dyn std::error::Error) -> Self {
        Self::new(Exit::Failure, "internal", chain(error))
            .hint("look at the cause; if it persists, report it with the log")
    }

    /// A problem of the Engine's own making.
    pub(crate) fn of_problem(problem: &Problem) -> Self {
        let exit = match problem.code {
            Code::NotFound | Code::PathNotFound => Exit::NotFound,
            Code::Conflict => Exit::Conflict,
            Code::VerificationFailed => Exit::Unverified,
            Code::Cancelled | Code::Interrupted => Exit::Interrupted,
            _ => Exit::Failure,
        };
        Self {
            exit,
            code: problem.code.slug(),
            message: problem.detail.to_string(),
            hint: problem.hint.as_deref().map(str::to_owned),
            trace_id: problem.trace_id.as_deref().map(str::to_owned),
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the trace in which it can be looked at, or none.
    pub(crate) fn in_trace(mut self, trace_id: Option<String>) -> Self {
        self.trace_id = trace_id;
        self
    }

    /// Tells standard error, in one JSON line where `json` is asked for, and gives the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        let text = if json { self.line() } else { self.text() };
        // Without standard error nobody can be told.
        let _ = std::io::stderr().write_all(text.as_bytes());
        ExitCode::from(self.exit as u8)
    }

    fn text(&self) -> String {
        let message = harmless(&self.message);
        let (first, rest) = message.split_once('\n').unwrap_or((&message, ""));
        let mut text = format!("error: {first} [{}]\n", self.code);
        if !rest.is_empty() {
            text.push_str(&format!("{rest}\n"));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
        if let Some(trace_id) = &self.trace_id {
            text.push_str(&format!("trace: {trace_id}\n"));
        }
        text
    }

    fn line(&self) -> String {
        let told = Told {
            r#type: Problem::type_of(self.code),
            title: title(self.code),
            detail: &self.message,
            code: self.code,
            exit_code: self.exit as u8,
            hint: self.hint.as_deref(),
            trace_id: self.trace_id.as_deref(),
        };
        // A struct of texts always has a JSON form.
        serde_json::to_string(&told).unwrap_or_default() + "\n"
    }
}

/// The kind of failure in a few words: REST's, else the words of the code.
fn title(code: &str) -> String {
    if let Some(known) = Code::from_slug(code) {
        return known.title().to_owned();
    }
    let mut title = code.replace('-', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

/// A message whose paths cannot command a terminal.
fn harmless(message: &str) -> String {
    let is_shown = |c: char| c == '\n' || !c.is_control();
    message
        .chars()
        .map(|c| if is_shown(c) { c.to_string() } else { c.escape_default().to_string() })
        .collect()
}

/// An error and its causes, each told once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.ends_with(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    text
}
