//! Arrows inside crates, read from the source: nodes, wire types, fsync and the clock.

use crate::source::Source;

/// Text that only files beneath the named prefixes may hold: text, prefixes, reason.
const HOMES: &[(&str, &[&str], &str)] = &[
    (
        "axum::",
        // The sink of `perch bench` reports over an API of its own, in a process of its own.
        &[
            "engine/server/",
            "collector/otlp/",
            "collector/prom/",
            "perch/cli/src/api/",
            "perch/cli/src/bench/sink/api.rs",
        ],
        "the web framework stays at the edge",
    ),
    (
        "prost::",
        &["collector/otlp/", "collector/prom/", "collector/nodes/src/exporters/loki/"],
        "wire types stay in their part",
    ),
    ("loki_api::", &["collector/nodes/src/exporters/loki/"], "Loki's types stay in its node"),
    (".sync_all()", &["durable-fs/"], "fsync goes through durable_fs::File"),
    (".sync_data()", &["durable-fs/"], "fsync goes through durable_fs::File"),
    ("fs::rename(", &["durable-fs/"], "rename goes through durable_fs::Fs"),
    ("SystemTime::now()", &["durable-fs/"], "the wall clock is durable_fs::Clock"),
];

const NODE_KINDS: [&str; 3] = ["receivers", "processors", "exporters"];

/// Every forbidden arrow inside a crate.
pub fn check(sources: &[Source]) -> Vec<String> {
    sources.iter().filter(|s| !s.path.starts_with("xtask/")).flat_map(one).collect()
}

fn one(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    let own = node(&source.path);
    for (n, line) in source.code() {
        for (text, homes, reason) in HOMES {
            if line.contains(text) && !homes.iter().any(|home| source.path.starts_with(home)) {
                findings.push(format!("{}:{n}: `{text}`: {reason}", source.path));
            }
        }
        if let (Some(own), Some(other)) = (&own, mentioned(line))
            && *own != other
        {
            findings.push(format!("{}:{n}: the node {own} knows the node {other}", source.path));
        }
    }
    findings
}

/// `exporters/loki` for a file of that node's folder.
fn node(path: &str) -> Option<String> {
    let rest = path.strip_prefix("collector/nodes/src/")?;
    let mut parts = rest.split('/');
    let (kind, name) = (parts.next()?, parts.next()?);
    (NODE_KINDS.contains(&kind) && !name.ends_with(".rs")).then(|| format!("{kind}/{name}"))
}

/// The node that a line names by its path in the crate.
fn mentioned(line: &str) -> Option<String> {
    NODE_KINDS.iter().find_map(|kind| {
        let rest = line.split_once(&format!("crate::{kind}::"))?.1;
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        (!name.is_empty()).then(|| format!("{kind}/{name}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(path: &str, text: &str) -> Vec<String> {
        check(&[Source::new(path, text)])
    }

    #[test]
    fn a_node_knows_no_other_node() {
        let path = "collector/nodes/src/exporters/loki/exporter.rs";
        assert_eq!(check_one(path, "use crate::exporters::otlp::Client;\n").len(), 1);
        assert!(check_one(path, "use crate::exporters::loki::encode;\n").is_empty());
    }

    #[test]
    fn dangerous_calls_stay_in_their_trait() {
        assert_eq!(check_one("engine/pellets/src/seal.rs", "    file.sync_all()?;\n").len(), 1);
        assert!(check_one("durable-fs/src/disk.rs", "    file.sync_all()?;\n").is_empty());
    }

    #[test]
    fn the_web_framework_stays_at_the_edge() {
        assert_eq!(check_one("perch/cli/src/up/mod.rs", "use axum::Router;\n").len(), 1);
        assert!(check_one("perch/cli/src/api/mod.rs", "use axum::Router;\n").is_empty());
    }
}
