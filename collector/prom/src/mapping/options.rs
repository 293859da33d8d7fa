//! How requests are translated.

use super::delta::DeltaLimits;
use crate::remote_write::Label;

/// How to translate.
#[derive(Debug, Clone)]
pub struct Options {
    /// Labels of every series that does not have them already.
    pub external_labels: Vec<Label>,
    /// Whether resources are described by `target_info`.
    pub target_info: bool,
    /// Whether families are described.
    pub metadata: bool,
    /// Bounds on running totals.
    pub delta: DeltaLimits,
}

impl Default for Options {
    fn default() -> Self {
        let (external_labels, delta) = (Vec::new(), DeltaLimits::default());
        Self { external_labels, target_info: true, metadata: false, delta }
    }
}
