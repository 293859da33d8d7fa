//! `perch slo generate`: rules to standard output or a file, everything else along with them to a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use super::input::Input;
use super::output;

/// `perch slo generate FILE...`
#[derive(Debug, clap::Args)]
pub(super) struct GenerateArgs {
    #[command(flatten)]
    input: Input,
    /// A file (`.yaml`, `.yml`) for the rules, or a folder for rules, tests, routes and runbooks
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Writes what is generated; nothing where a file has errors.
pub(super) fn run(args: &GenerateArgs) -> anyhow::Result<ExitCode> {
    let options = args.input.options();
    let compiled = match args.input.compile(&options) {
        Ok(compiled) => compiled,
        Err(error) => return output::unreadable(error),
    };
    if !args.json {
        output::say(&compiled.findings)?;
    }
    let mut answer = json!({
        "ok": compiled.sound,
        "findings": output::findings(&compiled.findings),
    });
    if compiled.sound {
        match &args.out {
            None if args.json => answer["rules"] = compiled.rules(&options).into(),
            None => output::print(&compiled.rules(&options))?,
            Some(out) => {
                let files = if is_file(out) {
                    BTreeMap::from([(out.clone(), compiled.rules(&options))])
                } else {
                    let files = compiled.artifacts(&options);
                    files.into_iter().map(|(name, text)| (out.join(name), text)).collect()
                };
                let written = write_all(&files)?;
                answer["written"] = written.into();
            }
        }
    }
    if args.json {
        output::print(&format!("{answer}\n"))?;
    }
    Ok(if compiled.sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a path means one file: it is one, or looks like one and is no folder.
fn is_file(path: &Path) -> bool {
    let named = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    path.is_file() || (named && !path.is_dir())
}

/// Writes files and the folders they need; names them.
pub(super) fn write_all(files: &BTreeMap<PathBuf, String>) -> anyhow::Result<Vec<String>> {
    let mut written = Vec::new();
    for (path, text) in files {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        written.push(path.display().to_string());
    }
    Ok(written)
}
