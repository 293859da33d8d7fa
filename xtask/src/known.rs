//! What somebody emits.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::generate::{Catalogue, GroupKind, Instrument};
use crate::promql_names::{Selector, metrics};

/// The names that Prometheus can know.
#[derive(Debug, Default)]
pub struct Known {
    names: BTreeSet<String>,
    families: Vec<String>,
}

impl Known {
    /// All metrics of the catalogues, a histogram as its three series.
    pub fn load(catalogues: &[Catalogue]) -> Result<Self> {
        let mut known = Self::default();
        known.names.insert("target_info".into());
        for group in catalogues.iter().flat_map(|c| c.of_kind(GroupKind::Metric)) {
            let name = group.prometheus_name()?;
            if let Some(family) = name.strip_suffix('*') {
                known.families.push(family.to_owned());
            } else if group.instrument == Some(Instrument::Histogram) {
                known.names.extend(["_bucket", "_sum", "_count"].map(|s| format!("{name}{s}")));
            } else {
                known.names.insert(name);
            }
        }
        Ok(known)
    }

    /// Whether somebody emits what is selected.
    pub fn has(&self, selector: &Selector) -> bool {
        match selector {
            Selector::Name(name) => {
                self.names.contains(name) || self.families.iter().any(|f| name.starts_with(f))
            }
            Selector::Prefix(prefix) if prefix.is_empty() => false,
            Selector::Prefix(prefix) => {
                self.names.iter().chain(&self.families).any(|name| name.starts_with(prefix))
            }
        }
    }

    /// A finding for every metric of `query` that nobody emits.
    pub fn faults(&self, place: &str, query: &str) -> Vec<String> {
        let unknown = metrics(query).into_iter().filter(|selector| !self.has(selector));
        unknown
            .map(|selector| match selector {
                Selector::Name(name) => {
                    format!("{place}: nobody emits `{name}`; the catalogue has what there is")
                }
                Selector::Prefix(prefix) => {
                    format!("{place}: nobody emits a metric that begins with `{prefix}`")
                }
            })
            .collect()
    }
}
