//! Reading objectives.

use std::fs;
use std::path::{Path, PathBuf};

use collector_telemetry::names::metric;
use slo::compile::compile;
use slo::finding::Level;
use slo::plan::{Options, Plan, Profile};
use slo::spec::Source;

/// Bytes of all files together: objectives are written by people.
const MAX_BYTES: u64 = 16 << 20;

/// The objectives of files; `*` in a file's name stands for any text. The faults, one per line, where there are any.
pub(super) fn plans(patterns: &[String], windows: Option<&Path>) -> Result<Vec<Plan>, String> {
    let mut paths = Vec::new();
    for pattern in patterns {
        paths.extend(matching(Path::new(pattern))?);
    }
    paths.extend(windows.map(Path::to_owned));
    paths.dedup();
    let mut n_left = MAX_BYTES;
    let mut texts = Vec::new();
    for path in &paths {
        let n = fs::metadata(path).map_err(|e| unreadable(path, &e))?.len();
        n_left = n_left.checked_sub(n).ok_or("the files are larger than 16 MiB together")?;
        let text = fs::read_to_string(path).map_err(|e| unreadable(path, &e))?;
        texts.push((path.display().to_string(), text));
    }
    let sources: Vec<Source<'_>> = texts.iter().map(|(name, text)| Source { name, text }).collect();
    let compiled = compile(&sources, &Options::new(Profile::Exact, metric::SLO_EVENTS.prometheus));
    if compiled.sound {
        return Ok(compiled.plans);
    }
    let errors = compiled.findings.iter().filter(|f| f.level == Level::Error);
    Err(errors.map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let name = pattern.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let Some((before, after)) = name.split_once('*') else { return Ok(vec![pattern.to_owned()]) };
    let folder = pattern.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).map_err(|e| unreadable(folder, &e))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let long_enough = name.len() >= before.len() + after.len();
            long_enough && name.starts_with(before) && name.ends_with(after) && path.is_file()
        })
        .collect();
    found.sort();
    if found.is_empty() {
        return Err(format!("no file is called {}", pattern.display()));
    }
    Ok(found)
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read {}: {error}", path.display())
}
