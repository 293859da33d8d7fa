//! OpenSLO `v1`, its documents joined by name across files, and `v1alpha` as Sloth reads it.

mod alerts;
mod alpha;
mod indicator;
mod slo;
mod time;

pub(super) use alpha::read_alpha;

use std::collections::BTreeMap;

use crate::finding::{At, Code, Findings, Spot};
use crate::model::Objective;
use crate::yaml::{Cx, Fields, Tree};

use super::Document;

const KINDS: [&str; 7] = [
    "SLO",
    "SLI",
    "Service",
    "DataSource",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
];

/// Documents of `openslo/v1` by kind and name.
pub(super) struct Catalogue<'a> {
    named: BTreeMap<(String, String), &'a Document<'a>>,
}

/// A document's name and what else its metadata says.
struct Metadata {
    name: Spot<String>,
    display_name: Option<String>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl<'a> Catalogue<'a> {
    /// Finds all documents; two of one kind and name are refused.
    pub(super) fn gather(documents: &'a [Document<'a>], found: &mut Findings) -> Self {
        let mut named: BTreeMap<(String, String), &Document<'_>> = BTreeMap::new();
        for document in documents {
            let text = |key| document.tree.get(key).and_then(Tree::as_text);
            let name = document.tree.get("metadata").and_then(|m| m.get("name"));
            let (Some(kind), Some(name), Some("openslo/v1")) =
                (text("kind"), name, text("apiVersion").as_deref())
            else {
                continue;
            };
            let Some(text) = name.as_text() else { continue };
            if let Some(first) = named.get(&(kind.clone(), text.clone())) {
                let message = format!(
                    "the {kind} `{text}` is already defined at {}:{}",
                    first.file, first.tree.at
                );
                found.error(Code::Duplicate, document.file, name.at, message);
                continue;
            }
            named.insert((kind, text), document);
        }
        Self { named }
    }

    /// Reads one document; only an SLO gives objectives.
    pub(super) fn read(&self, cx: &mut Cx<'_>, document: &Document<'_>) -> Vec<Objective> {
        let Some((kind, metadata, spec)) = envelope(cx, &document.tree) else { return Vec::new() };
        match kind.value.as_str() {
            "SLO" => return slo::read(self, cx, document, &metadata, spec),
            "SLI" => {
                indicator::check(cx, spec);
            }
            "AlertPolicy" => {
                alerts::check_policy(self, cx, spec);
            }
            "AlertCondition" => {
                alerts::read_condition(cx, &metadata.name.value, spec);
            }
            "AlertNotificationTarget" => {
                free(cx, spec, "an AlertNotificationTarget", &["target", "description"])
            }
            "DataSource" => {
                free(cx, spec, "a DataSource", &["type", "connectionDetails", "description"]);
            }
            "Service" => free(cx, spec, "a Service", &["description"]),
            other => {
                let message = format!("`{other}` is no kind of openslo/v1");
                cx.error_with(Code::UnknownDocument, kind.at, message, KINDS.join(", "));
            }
        }
        Vec::new()
    }

    /// The document of a kind and name; an unresolved name is put down.
    fn find(&self, cx: &mut Cx<'_>, kind: &str, name: &Spot<String>) -> Option<&'a Document<'a>> {
        let found = self.named.get(&(kind.to_owned(), name.value.clone())).copied();
        if found.is_none() {
            let message = format!("no {kind} `{}` stands in the files given", name.value);
            cx.error(Code::Unresolved, name.at, message);
        }
        found
    }
}

/// Kind, metadata and spec of a document.
fn envelope<'t>(cx: &mut Cx<'_>, tree: &'t Tree) -> Option<(Spot<String>, Metadata, &'t Tree)> {
    let mut top = Fields::of(cx, tree, "the document")?;
    top.get(&["apiVersion"]);
    let kind = top.need_text(cx, &["kind"]);
    let metadata = top.need(cx, &["metadata"]);
    let spec = top.need(cx, &["spec"]);
    top.finish(cx);
    let metadata = read_metadata(cx, metadata?)?;
    Some((kind?, metadata, spec?))
}

fn read_metadata(cx: &mut Cx<'_>, tree: &Tree) -> Option<Metadata> {
    let mut fields = Fields::of(cx, tree, "`metadata`")?;
    let name = fields.need_text(cx, &["name"]);
    let display_name = fields.text(cx, &["displayName"]).map(|t| t.value);
    // A label may have several values; Prometheus has one text for each.
    let labels = fields.get(&["labels"]).map(joined).unwrap_or_default();
    let annotations = fields.get(&["annotations"]).map(joined).unwrap_or_default();
    fields.finish(cx);
    Some(Metadata { name: name?, display_name, labels, annotations })
}

fn joined(tree: &Tree) -> BTreeMap<String, String> {
    use crate::yaml::Value;
    let Value::Map(entries) = &tree.value else { return BTreeMap::new() };
    let text = |value: &Tree| match &value.value {
        Value::List(items) => items.iter().filter_map(Tree::as_text).collect::<Vec<_>>().join(","),
        _ => value.as_text().unwrap_or_default(),
    };
    entries.iter().map(|(key, value)| (key.value.clone(), text(value))).collect()
}

/// Checks a spec of which only the keys matter.
fn free(cx: &mut Cx<'_>, spec: &Tree, what: &'static str, keys: &[&'static str]) {
    if let Some(mut fields) = Fields::of(cx, spec, what) {
        keys.iter().for_each(|key| {
            fields.get(&[key]);
        });
        fields.finish(cx);
    }
}

/// Refuses a part that is valid and has no meaning here.
fn unsupported(cx: &mut Cx<'_>, at: At, what: &str) {
    cx.error(Code::Unsupported, at, format!("{what} is not supported"));
}
