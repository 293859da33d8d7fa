//! The metrics as Prometheus scrapes them.

use prometheus::{Registry, TextEncoder};

use crate::TelemetryError;
use crate::instruments;

/// Reads the registry under the catalogue's Prometheus names; clones share the registry.
#[derive(Debug, Clone)]
pub struct Scrape {
    registry: Registry,
}

impl Scrape {
    /// The content type of [`Scrape::text`].
    pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

    pub(crate) fn new(registry: Registry) -> Self {
        Self { registry }
    }

    /// All metrics in Prometheus' text format 0.0.4.
    pub fn text(&self) -> Result<String, TelemetryError> {
        let mut families = self.registry.gather();
        for family in &mut families {
            let named = instruments::ALL.iter().find(|m| m.name.replace('.', "_") == family.name());
            if let Some(metric) = named {
                family.set_name(metric.prometheus.to_owned());
            }
        }
        TextEncoder::new()
            .encode_to_string(&families)
            .map_err(|e| TelemetryError::Metrics(e.to_string()))
    }
}
