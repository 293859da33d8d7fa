//! Models hold no clock, no async runtime and no I/O.

use crate::source::Source;

/// Folders and files that are models.
const MODELS: &[&str] = &[
    "slo/src/",
    "engine/workflow/src/model/",
    "engine/pellets/src/sidecar",
    "engine/pellets/src/seek_table",
    "engine/pellets/src/plan",
    "collector/otlp/src/view/",
    "collector/otlp/src/shape",
];

const BANNED: &[&str] =
    &["std::fs", "std::net", "tokio::", "SystemTime", "Instant::now", "dyn Clock", "async fn"];

/// Every place where a model touches the world.
pub fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|s| MODELS.iter().any(|m| s.path.starts_with(m))) {
        for (n, line) in source.code() {
            if let Some(text) = BANNED.iter().find(|text| line.contains(**text)) {
                findings.push(format!("{}:{n}: a model knows `{text}`", source.path));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_touches_no_file() {
        let source = Source::new("slo/src/window.rs", "use std::fs;\n");
        assert_eq!(check(&[source]).len(), 1);
    }
}
