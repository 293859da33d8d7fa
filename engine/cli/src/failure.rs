//! How a command fails: its exit code, what happened, what to do.

use std::io::Write as _;
use std::process::ExitCode;

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
    message: String,
    hint: Option<String>,
    trace_id: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, trace_id: None }
    }

    /// A failure without a kind of its own: its message and its causes.
    pub(crate) fn of(error: &dyn std::error::Error) -> Self {
        Self::new(Exit::Failure, chain(error))
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

    /// Tells standard error, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let mut text = format!("error: {}\n", harmless(&self.message));
        if let Some(hint) = self.hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
        if let Some(trace_id) = self.trace_id {
            text.push_str(&format!("trace: {trace_id}\n"));
        }
        // Without standard error nobody can be told.
        let _ = std::io::stderr().write_all(text.as_bytes());
        ExitCode::from(self.exit as u8)
    }
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
