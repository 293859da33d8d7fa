//! Label sets: sorted, legal, no name twice.

use collector_otlp::view::{KeyValueView, ResourceView};

use super::name;
use crate::remote_write::Label;

/// The label that holds a series' name.
pub(super) const NAME: &str = "__name__";

const NAMESPACE: &str = "service.namespace";
const SERVICE: &str = "service.name";
const INSTANCE: &str = "service.instance.id";

pub(super) fn label(name: impl Into<String>, value: impl Into<String>) -> Label {
    Label { name: name.into(), value: value.into() }
}

/// The labels of a point's series, its name aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointLabels(Vec<Label>);

/// The labels under which a point of a resource gets to Prometheus, external labels and its name aside.
#[must_use]
pub fn point_labels<'a>(
    resource: &ResourceView<'_>,
    attributes: impl Iterator<Item = KeyValueView<'a>>,
) -> PointLabels {
    PointLabels(merge(&identity(resource), attributes, &[]))
}

impl PointLabels {
    /// The value of a label; empty where there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        find(&self.0, name).map_or("", |at| self.0[at].value.as_str())
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|l| (l.name.as_str(), l.value.as_str()))
    }
}

/// `job` and `instance`, as far as the resource says who it is.
pub(super) fn identity(resource: &ResourceView<'_>) -> Vec<Label> {
    let text = |key| resource.attributes().get(key).map(|v| v.to_string()).unwrap_or_default();
    let (namespace, service, instance) = (text(NAMESPACE), text(SERVICE), text(INSTANCE));
    let mut labels = Vec::new();
    if !instance.is_empty() {
        labels.push(label("instance", instance));
    }
    if !service.is_empty() {
        let job = if namespace.is_empty() { service } else { format!("{namespace}/{service}") };
        labels.push(label("job", job));
    }
    labels
}

/// Attributes that are not `job` or `instance` already.
pub(super) fn describing<'a>(
    resource: &ResourceView<'a>,
) -> impl Iterator<Item = KeyValueView<'a>> + use<'a> {
    resource.attributes().filter(|a| ![NAMESPACE, SERVICE, INSTANCE].contains(&a.key))
}

/// `attributes` as labels beneath `fixed`, which win, and above `external`, which yield.
///
/// Keys that become the same name are joined with `;` in the order of the keys.
pub(super) fn merge<'a>(
    fixed: &[Label],
    attributes: impl Iterator<Item = KeyValueView<'a>>,
    external: &[Label],
) -> Vec<Label> {
    let mut pairs: Vec<(String, &str, String)> =
        attributes.map(|a| (name::label(a.key), a.key, a.value.to_string())).collect();
    pairs.retain(|(name, _, value)| !name.is_empty() && !value.is_empty());
    pairs.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    pairs.dedup_by(|later, first| later.1 == first.1);
    let mut labels: Vec<Label> = Vec::with_capacity(pairs.len() + fixed.len() + external.len() + 1);
    for (name, _, value) in pairs {
        match labels.last_mut().filter(|last| last.name == name) {
            Some(last) => {
                last.value.push(';');
                last.value.push_str(&value);
            }
            None => labels.push(Label { name, value }),
        }
    }
    for fixed in fixed {
        put(&mut labels, &fixed.name, &fixed.value);
    }
    for external in external {
        if let Err(at) = find(&labels, &external.name) {
            labels.insert(at, external.clone());
        }
    }
    labels
}

/// The same set with one label more, or another value for one it has.
pub(super) fn with(labels: &[Label], name: &str, value: &str) -> Vec<Label> {
    let mut labels = labels.to_vec();
    put(&mut labels, name, value);
    labels
}

/// The same set under the name `family` + `suffix`.
pub(super) fn named(labels: &[Label], family: &str, suffix: &str) -> Vec<Label> {
    with(labels, NAME, &format!("{family}{suffix}"))
}

fn put(labels: &mut Vec<Label>, name: &str, value: &str) {
    match find(labels, name) {
        Ok(at) => value.clone_into(&mut labels[at].value),
        Err(at) => labels.insert(at, label(name, value)),
    }
}

fn find(labels: &[Label], name: &str) -> Result<usize, usize> {
    labels.binary_search_by(|l| l.name.as_str().cmp(name))
}
