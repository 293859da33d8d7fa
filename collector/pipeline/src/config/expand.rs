//! The configuration as it is used, written out: names as they are now, defaults filled in, secrets masked.
//!
//! *Invariants*
//! 1. What is written is a sound configuration that means the same, but for the secrets.
//! 2. No token and no header's value is in it.

use super::at::At;
use super::memory::{MemoryLimit, Share};
use super::tree::{Key, Tree, Value};
use super::types::{
    Ack, Component, ComponentId, PipelineConfig, QueueConfig, RetryConfig, StorageConfig,
};
use super::whole::Config;

/// Stands where a secret stood.
const MASK: &str = "****";

/// Keys whose value is a secret, or a list or mapping of them.
const SECRET_KEYS: [&str; 3] = ["token", "tokens", "headers"];

/// What expansion asks about a kind of component.
pub trait Kinds {
    /// The present name of a kind under `receivers`, `processors` or `exporters`.
    fn present_name(&self, section: &str, kind: &str) -> Option<&'static str>;

    /// What its settings are where nobody says otherwise, as YAML. A key that ends in `?` counts only where the
    /// settings name it.
    fn defaults(&self, section: &str, kind: &str) -> &'static str;
}

impl Config {
    /// The configuration as it is used.
    #[must_use]
    pub fn expanded(&self, kinds: &dyn Kinds) -> Tree {
        let mut top = Map::default();
        let names = Names { kinds, config: self };
        top.put("receivers", names.section("receivers", &self.receivers));
        let mut processors = Map::default();
        if let Some(memory) = &self.memory {
            processors.put("memory_limiter", memory_limiter(memory));
        }
        for component in &self.processors {
            let settings = names.component("processors", component);
            processors.put(&component.id.to_string(), settings);
        }
        if !processors.0.is_empty() {
            top.put("processors", processors.end());
        }
        top.put("exporters", names.section("exporters", &self.exporters));
        match &self.storage {
            Some(storage) => top.put("storage", written_storage(storage, self.keeps_log)),
            None if self.keeps_log => {}
            None => top.put("storage", Map::of("enabled", leaf(Value::Bool(false))).end()),
        }
        top.put("api", Map::of("listen", text(self.api.listen.to_string())).end());
        let mut pipelines = Map::default();
        for p in &self.pipelines {
            pipelines.put(&p.id.to_string(), names.pipeline(p, self.memory.is_some()));
        }
        let logs = Map::of("level", text(self.log_level.clone())).end();
        let mut telemetry = Map::of("logs", logs);
        if let Some(own) = &self.own_traces {
            let mut written = own.written.clone();
            mask(&mut written);
            telemetry.put("traces", written);
        }
        let mut service = Map::of("telemetry", telemetry.end());
        service.put("pipelines", pipelines.end());
        top.put("service", service.end());
        top.end()
    }
}

/// Settings with `defaults` where they say nothing; both as trees.
#[must_use]
pub fn with_defaults(settings: &Tree, defaults: &Tree) -> Tree {
    let (Ok(given), Ok(known)) = (settings.entries(), defaults.entries()) else {
        return settings.clone();
    };
    let mut merged = given.to_vec();
    for (key, default) in known {
        let (name, only_if_named) = match key.text.strip_suffix('?') {
            Some(name) => (name, true),
            None => (key.text.as_str(), false),
        };
        match merged.iter_mut().find(|(k, _)| k.text == name) {
            Some((_, value)) if matches!(default.value, Value::Map(_)) => {
                *value = with_defaults(value, default);
            }
            Some(_) => {}
            None if only_if_named => {}
            None => {
                let text = name.to_owned();
                let bare = with_defaults(&Tree::empty(At::default()), default);
                let value = match default.value {
                    Value::Map(_) => bare,
                    _ => default.clone(),
                };
                merged.push((Key { text, at: At::default() }, value));
            }
        }
    }
    Tree { value: Value::Map(merged), at: settings.at }
}

struct Names<'a> {
    kinds: &'a dyn Kinds,
    config: &'a Config,
}

impl Names<'_> {
    /// The name under the present name of its kind, unless another component has that already.
    fn name(&self, section: &str, id: &ComponentId) -> String {
        let all =
            if section == "exporters" { &self.config.exporters } else { &self.config.receivers };
        let Some(kind) = self.kinds.present_name(section, &id.kind) else { return id.to_string() };
        let present = ComponentId { kind: kind.to_owned(), name: id.name.clone() };
        let is_taken = present != *id && all.iter().any(|c| c.id == present);
        if is_taken { id.to_string() } else { present.to_string() }
    }

    fn section(&self, section: &str, components: &[Component]) -> Tree {
        let mut map = Map::default();
        for component in components {
            map.put(&self.name(section, &component.id), self.component(section, component));
        }
        map.end()
    }

    fn component(&self, section: &str, component: &Component) -> Tree {
        let defaults = Tree::parse(self.kinds.defaults(section, &component.id.kind));
        let defaults = defaults.unwrap_or_else(|_| Tree::empty(At::default()));
        let mut tree = with_defaults(&component.settings, &defaults);
        mask(&mut tree);
        if section == "exporters"
            && let Value::Map(entries) = &mut tree.value
        {
            if component.queue != QueueConfig::default() {
                entries.push(entry("sending_queue", written_queue(&component.queue)));
            }
            entries.push(entry("retry_on_failure", written_retry(&component.retry)));
        }
        tree
    }

    fn pipeline(&self, p: &PipelineConfig, limits_memory: bool) -> Tree {
        let list = |section: &str, ids: &[ComponentId]| {
            let names = ids.iter().map(|id| text(self.name(section, id)));
            leaf(Value::List(names.collect()))
        };
        let mut map = Map::of("receivers", list("receivers", &p.receivers));
        let limiter = limits_memory.then(|| text("memory_limiter".to_owned()));
        let others = p.processors.iter().map(|id| text(id.to_string()));
        let processors: Vec<Tree> = limiter.into_iter().chain(others).collect();
        if !processors.is_empty() {
            map.put("processors", leaf(Value::List(processors)));
        }
        map.put("exporters", list("exporters", &p.exporters));
        map.put("primary", list("exporters", &p.primary));
        map.put("ack", text(p.ack.to_string()));
        if p.ack == Ack::Delivered {
            map.put("ack_timeout", interval(p.ack_timeout));
        }
        map.end()
    }
}

fn mask(tree: &mut Tree) {
    match &mut tree.value {
        Value::Map(entries) => {
            for (key, value) in entries {
                if SECRET_KEYS.contains(&key.text.as_str()) {
                    blot(value);
                } else {
                    mask(value);
                }
            }
        }
        Value::List(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

/// Masks every value within, not the keys.
fn blot(tree: &mut Tree) {
    match &mut tree.value {
        Value::Map(entries) => entries.iter_mut().for_each(|(_, value)| blot(value)),
        Value::List(items) => items.iter_mut().for_each(blot),
        Value::Null => {}
        value => *value = Value::Text(MASK.to_owned()),
    }
}

fn written_queue(queue: &QueueConfig) -> Tree {
    let mut map = Map::default();
    if let Some(n) = queue.max_bytes {
        map.put("queue_size", number(n));
        map.put("sizer", text("bytes".to_owned()));
    }
    if let Some(n) = queue.n_in_flight {
        map.put("num_consumers", number(n as u64));
    }
    map.end()
}

fn written_retry(retry: &RetryConfig) -> Tree {
    let mut map = Map::of("enabled", leaf(Value::Bool(retry.enabled)));
    map.put("initial_interval", interval(retry.initial));
    map.put("max_interval", interval(retry.max));
    map.put("max_elapsed_time", interval(retry.give_up_after.unwrap_or_default()));
    map.end()
}

fn written_storage(storage: &StorageConfig, is_searched: bool) -> Tree {
    let mut map = Map::of("directory", text(storage.directory.display().to_string()));
    map.put("max_bytes", number(storage.max_bytes));
    if let Some(age) = storage.max_age {
        map.put("max_age", interval(age));
    }
    if !is_searched {
        map.put("search", leaf(Value::Bool(false)));
    }
    map.end()
}

fn memory_limiter(memory: &MemoryLimit) -> Tree {
    let mut map = Map::default();
    let mut put = |name: &str, share: Share| match share {
        Share::Bytes(n) => map.put(&format!("{name}_mib"), number(n >> 20)),
        Share::Percent(n) => map.put(&format!("{name}_percentage"), number(n)),
    };
    put("limit", memory.limit);
    if let Some(spike) = memory.spike {
        put("spike_limit", spike);
    }
    map.end()
}

/// A mapping under construction.
#[derive(Default)]
struct Map(Vec<(Key, Tree)>);

impl Map {
    fn of(key: &str, value: Tree) -> Self {
        Self(vec![entry(key, value)])
    }

    fn put(&mut self, key: &str, value: Tree) {
        self.0.push(entry(key, value));
    }

    fn end(self) -> Tree {
        leaf(Value::Map(self.0))
    }
}

fn entry(key: &str, value: Tree) -> (Key, Tree) {
    (Key { text: key.to_owned(), at: At::default() }, value)
}

fn leaf(value: Value) -> Tree {
    Tree { value, at: At::default() }
}

fn text(text: String) -> Tree {
    leaf(Value::Text(text))
}

fn number(n: u64) -> Tree {
    leaf(Value::Int(i64::try_from(n).unwrap_or(i64::MAX)))
}

fn interval(duration: std::time::Duration) -> Tree {
    text(match duration.subsec_millis() {
        0 => format!("{}s", duration.as_secs()),
        _ => format!("{}ms", duration.as_millis()),
    })
}
