//! What differs between the configuration in force and the one that was read, as a plan.
//!
//! A pure comparison: places in the file do not count, defaults and their absence are the same.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::{
    At, Component, ComponentId, Config, ConfigError, Finding, PipelineConfig, PipelineId, Tree,
    Value,
};

/// What a reload does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Pipelines to be opened, closed, and to be fed or emptied by other nodes than before.
    pub pipelines: Parts<PipelineId>,
    /// Receivers to be started, stopped, and to be started anew with other settings.
    pub receivers: Parts<ComponentId>,
    /// The same for exporters.
    pub exporters: Parts<ComponentId>,
    /// The same for processors.
    pub processors: Parts<ComponentId>,
    /// What else differs that concerns logs and replies, in words of the configuration.
    pub others: Vec<String>,
    /// What only the next start can put in force.
    pub at_next_start: Vec<String>,
    /// Own spans go elsewhere, or others do.
    pub own_traces: bool,
}

/// Parts of a graph by what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts<Id: Ord> {
    /// New ones.
    pub added: BTreeSet<Id>,
    /// Those that left.
    pub removed: BTreeSet<Id>,
    /// Those that are there before and after, and differ.
    pub changed: BTreeSet<Id>,
}

impl Plan {
    /// The way from `old` to `new`.
    #[must_use]
    pub fn between(old: &Config, new: &Config) -> Self {
        let (mut others, mut at_next_start) = (Vec::new(), Vec::new());
        let say = |name: &str, differs: bool, names: &mut Vec<String>| {
            if differs {
                names.push(name.to_owned());
            }
        };
        say("api", old.api != new.api, &mut at_next_start);
        say("service.telemetry.logs.level", old.log_level != new.log_level, &mut at_next_start);
        let storage =
            |c: &Config| (c.storage.as_ref().map(|s| (s.max_bytes, s.max_age)), c.keeps_log);
        let moves = folder(old) != folder(new);
        say("storage", moves || storage(old) != storage(new), &mut others);
        say("memory_limiter", old.memory != new.memory, &mut others);
        let own_traces = bare_own(old) != bare_own(new);
        say("service.telemetry.traces", own_traces, &mut others);
        Self {
            own_traces,
            processors: parts(&old.processors, &new.processors, |c| &c.id, is_same_component),
            pipelines: parts(&old.pipelines, &new.pipelines, |p| &p.id, is_same_pipeline),
            receivers: parts(&old.receivers, &new.receivers, |c| &c.id, is_same_component),
            exporters: parts(&old.exporters, &new.exporters, |c| &c.id, is_same_component),
            others,
            at_next_start,
        }
    }

    /// Whether there is nothing to do now.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let now = Self { at_next_start: Vec::new(), ..self.clone() };
        now == Self::default()
    }

    /// What changes, for the log: `+exporters.loki`, `-…`, `~…`.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.pipelines.name("pipelines", &mut names);
        self.receivers.name("receivers", &mut names);
        self.exporters.name("exporters", &mut names);
        self.processors.name("processors", &mut names);
        names.extend(self.others.iter().map(|other| format!("~{other}")));
        names
    }
}

impl<Id: Ord + std::fmt::Display> Parts<Id> {
    fn name(&self, section: &str, names: &mut Vec<String>) {
        for (sign, ids) in [("+", &self.added), ("-", &self.removed), ("~", &self.changed)] {
            names.extend(ids.iter().map(|id| format!("{sign}{section}.{id}")));
        }
    }
}

impl<Id: Ord> Default for Parts<Id> {
    fn default() -> Self {
        let (added, removed, changed) = Default::default();
        Self { added, removed, changed }
    }
}

fn parts<T, Id: Ord + Clone>(
    old: &[T],
    new: &[T],
    id: impl Fn(&T) -> &Id,
    is_same: impl Fn(&T, &T) -> bool,
) -> Parts<Id> {
    let mut parts = Parts::default();
    for after in new {
        match old.iter().find(|before| id(before) == id(after)) {
            None => drop(parts.added.insert(id(after).clone())),
            Some(before) if is_same(before, after) => {}
            Some(_) => drop(parts.changed.insert(id(after).clone())),
        }
    }
    let is_gone = |before: &&T| !new.iter().any(|after| id(after) == id(before));
    parts.removed = old.iter().filter(is_gone).map(|before| id(before).clone()).collect();
    parts
}

/// Where logs lie; nothing where they are in memory.
fn folder(config: &Config) -> Option<&Path> {
    config.storage.as_ref().map(|s| s.directory.as_path())
}

/// What is wrong with going from `old` to `new` while data flows, if anything is.
///
/// Another folder would leave what waits in the old one to nobody: cursors, queues and the state of observers belong to
/// the logs they lie beside.
pub(super) fn refusal(old: &Config, new: &Config) -> Option<ConfigError> {
    let (before, after) = (folder(old), folder(new));
    if before == after {
        return None;
    }
    let place = |folder: Option<&Path>| {
        folder.map_or_else(|| "memory".to_owned(), |folder| format!("`{}`", folder.display()))
    };
    let message = format!(
        "the logs in use lie in {} and cannot move to {} while the collector runs",
        place(before),
        place(after)
    );
    let hint = match before {
        Some(_) => {
            "restart to begin there; what still waits stays where it is until a collector runs there"
        }
        None => "restart to begin there; what waits in memory is sent before the end",
    };
    let at = new.storage.as_ref().map(|storage| storage.at).unwrap_or_default();
    let finding = Finding::new(at, message).within("directory").within("storage").hint(hint);
    Some(ConfigError { file: new.file.clone(), findings: vec![finding] })
}

pub(super) fn is_same_pipeline(a: &PipelineConfig, b: &PipelineConfig) -> bool {
    let bare = |p: &PipelineConfig| {
        let mut p = p.clone();
        p.at = At::default();
        for ids in [&mut p.receivers, &mut p.exporters, &mut p.primary] {
            ids.sort();
        }
        p
    };
    bare(a) == bare(b)
}

pub(super) fn is_same_component(a: &Component, b: &Component) -> bool {
    a.queue == b.queue && a.retry == b.retry && bare(&a.settings) == bare(&b.settings)
}

/// What is written of own traces, without its places.
fn bare_own(config: &Config) -> Option<Tree> {
    config.own_traces.as_ref().map(|own| bare(&own.written))
}

/// Settings without their places.
fn bare(tree: &Tree) -> Tree {
    let value = match &tree.value {
        Value::List(items) => Value::List(items.iter().map(bare).collect()),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let mut key = key.clone();
                key.at = At::default();
                (key, bare(value))
            });
            Value::Map(entries.collect())
        }
        other => other.clone(),
    };
    Tree { value, at: At::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::parse("perch.yaml", text, &|_| None).unwrap()
    }

    const BASE: &str = "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:1'}}}}\n\
        exporters: {debug: {max_lines: 5}, loki: {endpoint: 'http://a/x'}}\n\
        service: {pipelines: {logs: {receivers: [otlp], exporters: [debug, loki]}}}\n";

    fn between(new: &str) -> Plan {
        Plan::between(&config(BASE), &config(new))
    }

    #[test]
    fn places_and_order_do_not_count() {
        assert_eq!(between(BASE), Plan::default());
        assert_eq!(between(&format!("# moved\n\n{BASE}")), Plan::default());
        assert_eq!(between(&BASE.replace("[debug, loki]", "[loki, debug]")), Plan::default());
    }

    #[test]
    fn what_differs_is_named() {
        let plan = between(&BASE.replace("http://a/x", "http://b/x").replace(":1'", ":2'"));
        assert_eq!(plan.names(), ["~receivers.otlp", "~exporters.loki"]);
        let plan = between(&BASE.replace("[debug, loki]", "[debug]"));
        assert_eq!(plan.names(), ["~pipelines.logs", "-exporters.loki"]);
        let plan = between(
            &BASE.replace("logs: {", "traces: {receivers: [otlp], exporters: [debug]}, logs: {"),
        );
        assert_eq!(plan.names(), ["+pipelines.traces"]);
        let plan = between(&BASE.replace("max_lines: 5", "retry_on_failure: {max_interval: 9s}"));
        assert_eq!(plan.names(), ["~exporters.debug"]);
    }

    #[test]
    fn what_waits_for_the_next_start_is_named() {
        let plan =
            between(&format!("{BASE}storage: {{directory: /d}}\napi: {{listen: '127.0.0.1:1'}}\n"));
        assert_eq!(plan.at_next_start, ["api"]);
        assert_eq!(plan.names(), ["~pipelines.logs", "~storage"], "replies wait for the disk now");
        assert!(between(&format!("{BASE}api: {{listen: '127.0.0.1:1'}}\n")).is_same());
    }

    #[test]
    fn a_folder_cannot_change_while_it_is_in_use() {
        let refused = |old: &str, new: &str| {
            let (old, new) = (format!("{BASE}{old}"), format!("{BASE}{new}"));
            refusal(&config(&old), &config(&new)).map(|fault| fault.to_string())
        };
        assert_eq!(refused("storage: {directory: /d}\n", "\nstorage: {directory: /d}\n"), None);
        assert_eq!(refused("", "storage: {enabled: false}\n"), None);
        let folder = "storage: {directory: /d, max_bytes: 1GiB}\n";
        assert_eq!(
            refused(folder, "storage: {max_bytes: 1GiB, directory: /e}\n").unwrap(),
            "perch.yaml:4:39: storage.directory: the logs in use lie in `/d` and cannot move to `/e` while the collector \
             runs (restart to begin there; what still waits stays where it is until a collector runs there)"
        );
        assert!(refused(folder, "").unwrap().contains(
            "0:0: storage.directory: the logs in use lie in `/d` and cannot move to memory"
        ));
        assert!(
            refused("", folder).unwrap().contains("what waits in memory is sent before the end")
        );
    }
}
