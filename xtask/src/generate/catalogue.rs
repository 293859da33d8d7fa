//! The catalogue's form and its checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// One catalogue file with the attributes it may refer to.
#[derive(Debug)]
pub struct Catalogue {
    pub groups: Vec<Group>,
    attributes: BTreeMap<String, Attribute>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    groups: Vec<Group>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: GroupKind,
    pub brief: String,
    #[serde(default)]
    pub attributes: Vec<Entry>,
    pub metric_name: Option<String>,
    /// The name as Prometheus sees it, for series that others define; a final `*` is any suffix.
    pub prometheus_name: Option<String>,
    pub instrument: Option<Instrument>,
    pub unit: Option<String>,
    #[serde(default)]
    pub buckets: Vec<f64>,
    pub span_name: Option<String>,
    pub span_kind: Option<String>,
    /// The program that emits it, where it is not the file's main one.
    pub app: Option<String>,
    pub event_name: Option<String>,
    /// Whether the event is kept in the log.
    #[serde(default = "yes")]
    pub stored: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    AttributeGroup,
    Metric,
    Span,
    Event,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Instrument {
    Counter,
    Gauge,
    Histogram,
}

/// A definition (`id`) or a mention (`ref`) of an attribute.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub id: Option<String>,
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    #[serde(rename = "type")]
    pub value: Option<ValueType>,
    pub brief: Option<String>,
    pub bound: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum ValueType {
    Plain(String),
    Closed { members: Vec<Member> },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub id: String,
    pub value: String,
    pub brief: String,
}

/// A defined attribute.
#[derive(Debug, Clone)]
pub struct Attribute {
    pub id: String,
    pub brief: String,
    pub members: Vec<Member>,
    pub plain: Option<String>,
    pub bound: Option<u32>,
    pub foreign: bool,
}

fn yes() -> bool {
    true
}

impl Catalogue {
    /// Reads and checks one file; `foreign` lends its attributes.
    pub fn load(path: &Path, foreign: Option<&Self>) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text, foreign).with_context(|| format!("in {}", path.display()))
    }

    fn parse(text: &str, foreign: Option<&Self>) -> Result<Self> {
        let file: File = serde_saphyr::from_str(text).map_err(|e| anyhow::anyhow!("{e}"))?;
        let mut attributes: BTreeMap<String, Attribute> = BTreeMap::new();
        for attribute in foreign.iter().flat_map(|c| c.attributes.values()) {
            attributes
                .insert(attribute.id.clone(), Attribute { foreign: true, ..attribute.clone() });
        }
        for entry in file.groups.iter().flat_map(|g| &g.attributes) {
            if let Some(attribute) = entry.definition()? {
                let id = attribute.id.clone();
                ensure!(
                    attributes.insert(id.clone(), attribute).is_none(),
                    "attribute `{id}` is defined twice"
                );
            }
        }
        let catalogue = Self { groups: file.groups, attributes };
        catalogue.check()?;
        Ok(catalogue)
    }

    pub fn of_kind(&self, kind: GroupKind) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(move |g| g.kind == kind)
    }

    /// The attributes of a group, definitions resolved.
    pub fn attributes_of<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Attribute> {
        group.attributes.iter().filter_map(|e| self.attributes.get(e.name()))
    }

    /// All attributes this file defines or mentions, sorted by id.
    pub fn used_attributes(&self) -> Vec<&Attribute> {
        let mentioned: BTreeSet<&str> =
            self.groups.iter().flat_map(|g| &g.attributes).map(Entry::name).collect();
        self.attributes
            .values()
            .filter(|a| !a.foreign || mentioned.contains(a.id.as_str()))
            .collect()
    }

    fn check(&self) -> Result<()> {
        let mut ids = BTreeSet::new();
        for group in &self.groups {
            ensure!(ids.insert(&group.id), "group `{}` is defined twice", group.id);
            for entry in &group.attributes {
                ensure!(
                    self.attributes.contains_key(entry.name()),
                    "group `{}` refers to the unknown attribute `{}`",
                    group.id,
                    entry.name()
                );
            }
            match group.kind {
                GroupKind::Metric => self.check_metric(group)?,
                GroupKind::Span => {
                    ensure!(group.span_name.is_some(), "span `{}` has no span_name", group.id)
                }
                GroupKind::Event => {
                    ensure!(group.event_name.is_some(), "event `{}` has no event_name", group.id)
                }
                GroupKind::AttributeGroup => {}
            }
        }
        Ok(())
    }

    fn check_metric(&self, group: &Group) -> Result<()> {
        let named = group.metric_name.is_some() != group.prometheus_name.is_some();
        let complete = named && group.instrument.is_some() && group.unit.is_some();
        ensure!(
            complete,
            "metric `{}` needs instrument, unit and one of metric_name and prometheus_name",
            group.id
        );
        ensure!(
            group.buckets.is_empty() || group.instrument == Some(Instrument::Histogram),
            "`{}` has buckets but is no histogram",
            group.id
        );
        for attribute in self.attributes_of(group) {
            if attribute.members.is_empty() && attribute.bound.is_none() {
                bail!("metric `{}` has the unbounded label `{}`", group.id, attribute.id);
            }
        }
        Ok(())
    }
}

impl Entry {
    fn name(&self) -> &str {
        self.id.as_deref().or(self.reference.as_deref()).unwrap_or_default()
    }

    fn definition(&self) -> Result<Option<Attribute>> {
        let Some(id) = self.id.clone() else {
            ensure!(self.reference.is_some(), "an attribute has neither id nor ref");
            return Ok(None);
        };
        let brief = self.brief.clone().with_context(|| format!("attribute `{id}` has no brief"))?;
        let (members, plain) =
            match self.value.clone().with_context(|| format!("attribute `{id}` has no type"))? {
                ValueType::Closed { members } => (members, None),
                ValueType::Plain(name) => (Vec::new(), Some(name)),
            };
        Ok(Some(Attribute { id, brief, members, plain, bound: self.bound, foreign: false }))
    }
}

impl Group {
    /// The name under which Prometheus sees the metric.
    pub fn prometheus_name(&self) -> Result<String> {
        if let Some(name) = &self.prometheus_name {
            return Ok(name.clone());
        }
        let name = self.metric_name.as_deref().context("no metric_name")?.replace('.', "_");
        let unit = match self.unit.as_deref().context("no unit")? {
            "s" => "seconds",
            "By" => "bytes",
            "1" if self.instrument == Some(Instrument::Gauge) => "ratio",
            "1" => "",
            u if u.starts_with('{') => "",
            u => bail!("metric `{}` has the unknown unit `{u}`", self.id),
        };
        let mut full = name;
        if !unit.is_empty() && !full.ends_with(&format!("_{unit}")) {
            full = format!("{full}_{unit}");
        }
        if self.instrument == Some(Instrument::Counter) {
            full.push_str("_total");
        }
        Ok(full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Catalogue> {
        Catalogue::parse(text, None)
    }

    fn metric(name: &str, unit: &str, instrument: &str) -> String {
        let text = format!(
            "groups: [{{id: m, type: metric, brief: b, metric_name: {name}, unit: '{unit}', instrument: {instrument}}}]"
        );
        parse(&text).unwrap().groups[0].prometheus_name().unwrap()
    }

    #[test]
    fn prometheus_names_follow_from_unit_and_instrument() {
        assert_eq!(metric("a.b", "{x}", "counter"), "a_b_total");
        assert_eq!(metric("a.duration", "s", "histogram"), "a_duration_seconds");
        assert_eq!(metric("a.bytes", "By", "counter"), "a_bytes_total");
        assert_eq!(metric("a.used", "1", "gauge"), "a_used_ratio");
    }

    #[test]
    fn a_metric_has_one_kind_of_name() {
        let with = |names: &str| {
            parse(&format!(
                "groups: [{{id: m, type: metric, brief: b, {names} unit: '1', instrument: gauge}}]"
            ))
        };
        assert_eq!(
            with("prometheus_name: UP,").unwrap().groups[0].prometheus_name().unwrap(),
            "UP"
        );
        assert!(with("").is_err());
        assert!(with("prometheus_name: a, metric_name: b,").is_err());
    }

    #[test]
    fn an_unbounded_label_is_refused() {
        let text = "groups: [{id: m, type: metric, brief: b, metric_name: a, unit: s, instrument: gauge, attributes: [{id: path, type: string, brief: b}]}]";
        let message = format!("{:#}", parse(text).unwrap_err());
        assert!(message.contains("unbounded label `path`"), "{message}");
    }

    #[test]
    fn an_unknown_reference_is_refused() {
        let text =
            "groups: [{id: s, type: span, brief: b, span_name: s, attributes: [{ref: nowhere}]}]";
        assert!(parse(text).is_err());
    }
}
