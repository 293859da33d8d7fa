//! How a command fails: lines for a person, one JSON object for who asked for `--json`.
//!
//! The object has the members of the Engine's command (`docs/guides/failures.md`), so that one reader does for both.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
use serde::Serialize;

/// The kinds of failure that commands tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It failed.
    Failed,
    /// The command line cannot be understood.
    Usage,
    /// What it was asked about is not there.
    NotFound,
}

/// What a program reads.
#[derive(Serialize)]
struct Told<'a> {
    r#type: String,
    title: &'a str,
    detail: &'a str,
    code: &'a str,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl Kind {
    /// Code, title and exit code.
    const fn facts(self) -> (&'static str, &'static str, u8) {
        match self {
            Self::Failed => ("failed", "Failed", 1),
            Self::Usage => ("usage", "Usage", 2),
            Self::NotFound => ("not-found", "Not found", 4),
        }
    }
}

/// Whether the command line asks for JSON. Looked at before it is parsed, since parsing may fail.
fn asks_for_json(args: impl Iterator<Item = OsString>) -> bool {
    args.take_while(|arg| arg != "--").any(|arg| arg == "--json")
}

/// Tells standard error of an error and its causes, and gives the exit code.
pub(crate) fn report(kind: Kind, error: &anyhow::Error) -> ExitCode {
    let text = match asks_for_json(std::env::args_os()) {
        true => line(kind, &detail(error), None),
        false => lines(error),
    };
    tell(kind, &text)
}

/// Tells what is wrong with the command line; help and version are no failures.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if !asks_for_json(std::env::args_os()) || !error.use_stderr() {
        error.exit();
    }
    tell(Kind::Usage, &usage_line(error))
}

fn tell(kind: Kind, text: &str) -> ExitCode {
    // Nobody is left to tell when standard error itself is gone.
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(kind.facts().2)
}

/// An error with its causes, one per line.
fn lines(error: &anyhow::Error) -> String {
    let causes = error.chain().skip(1).map(|cause| format!("  because {cause}\n"));
    format!("error: {error}\n{}", causes.collect::<String>())
}

/// An error and its causes in one text.
fn detail(error: &anyhow::Error) -> String {
    format!("{error:#}")
}

fn usage_line(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let detail = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a subcommand is missing",
        _ => rendered.split("\n\n").next().unwrap_or_default(),
    };
    line(Kind::Usage, detail.trim_start_matches("error: ").trim_end(), Some("--help says more"))
}

fn line(kind: Kind, detail: &str, hint: Option<&str>) -> String {
    let (code, title, exit_code) = kind.facts();
    let r#type = format!("https://nestr.dev/problems/{code}");
    // A struct of texts always has a JSON form.
    serde_json::to_string(&Told { r#type, title, detail, code, exit_code, hint })
        .unwrap_or_default()
        + "\n"
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use clap::Parser;

    use super::*;
    use crate::command::Perch;

    #[test]
    fn a_program_gets_one_object() {
        let error = anyhow!("no such file").context("cannot read a.yaml");
        let wrong = |args: &[&str]| usage_line(&Perch::try_parse_from(args).unwrap_err());
        let told = [
            line(Kind::Failed, &detail(&error), None),
            line(Kind::NotFound, "no objective `a/b` is tracked", None),
            wrong(&["perch", "check", "--json"]),
            wrong(&["perch", "chek"]),
            wrong(&["perch"]),
        ];
        insta::assert_snapshot!(told.concat());
    }

    #[test]
    fn a_person_gets_lines() {
        let error = anyhow!("no such file").context("cannot read a.yaml");
        insta::assert_snapshot!(lines(&error));
    }

    #[test]
    fn what_follows_two_dashes_is_a_name() {
        let asks = |args: &[&str]| asks_for_json(args.iter().map(OsString::from));
        assert!(asks(&["perch", "check", "a.yaml", "--json"]));
        assert!(!asks(&["perch", "check", "--", "--json"]));
    }
}
