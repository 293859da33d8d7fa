//! Documents are held against the tree: a path or test that they name in backticks exists.
//!
//! `engine/pellets/src/sidecar.rs` must be a file or folder; `journeys/tests/one_operation.rs::name` must be
//! a file in which a test of that name stands (`fn name` in Rust, the words `name` in TypeScript). What git
//! ignores may be named: it is there once it was built.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::repo;

/// Every dead reference in a Markdown file of the tree.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let files = repo::files(root)?;
    let tops: Vec<String> = files
        .iter()
        .filter(|f| f.components().count() > 1)
        .filter_map(|f| Some(f.components().next()?.as_os_str().to_string_lossy().into_owned()))
        .collect();
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "md")) {
        let text = fs::read_to_string(root.join(file))?;
        for (n, line) in text.lines().enumerate() {
            for reference in references(line, &tops) {
                if let Some(fault) = fault(root, reference) {
                    findings.push(format!("{}:{}: {fault}", file.display(), n + 1));
                }
            }
        }
    }
    Ok(findings)
}

/// Backticked words that begin with a top folder of the tree and a slash.
fn references<'a>(line: &'a str, tops: &[String]) -> Vec<&'a str> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            let plain = !word.contains([' ', '*', '{', '<', '$', '…']) || word.contains("::");
            let top = word.split_once('/').map(|(top, _)| top);
            plain && top.is_some_and(|top| tops.iter().any(|t| t == top))
        })
        .collect()
}

fn fault(root: &Path, reference: &str) -> Option<String> {
    let (path, test) = match reference.split_once("::") {
        Some((path, test)) => (path, Some(test)),
        None => (reference, None),
    };
    let full = root.join(path);
    if !full.exists() && !repo::is_ignored(root, path) {
        return Some(format!("`{path}` does not exist"));
    }
    let test = test?;
    let text = fs::read_to_string(full).unwrap_or_default();
    let stands =
        text.contains(&format!("fn {test}(")) || (!path.ends_with(".rs") && text.contains(test));
    (!stands).then(|| format!("`{path}` has no test `{test}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_paths_and_leaves_other_words_alone() {
        let tops = vec!["engine".to_owned()];
        let line = "see `engine/pellets`, `cargo test`, `application/json` and `engine/*.rs`";
        assert_eq!(references(line, &tops), vec!["engine/pellets"]);
    }

    #[test]
    fn a_missing_test_is_a_fault() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let own = "src/tidy/documents.rs::a_missing_test_is_a_fault";
        assert_eq!(fault(root, own), None);
        assert!(fault(root, "src/tidy/documents.rs::nowhere_to_be_found_indeed").is_some());
        assert!(fault(root, "src/nowhere.rs").is_some());
        assert_eq!(fault(root, "node_modules/anything"), None, "ignored by git");
    }
}
