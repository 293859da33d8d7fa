//! Points that stand together on a page.

use std::collections::BTreeMap;

use super::point::Point;
use crate::remote_write::{Label, MetricMetadata};

/// Points that share a name and a type.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) about: MetricMetadata,
    pub(super) points: BTreeMap<Vec<Label>, Point>,
}
