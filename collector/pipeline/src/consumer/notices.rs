//! How far each exporter is, for processors that want to know.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::checkpoint::Key;
use crate::log::Position;

/// The delivery notices of a graph; clones are one.
#[derive(Debug, Clone, Default)]
pub struct Notices(Arc<Mutex<BTreeMap<Key, watch::Receiver<Position>>>>);

impl Notices {
    /// The cursor of an exporter in a pipeline: everything before it was delivered or dropped and
    /// counted. Nothing where the pipeline does not name it.
    #[must_use]
    pub fn of(&self, pipeline: &str, exporter: &str) -> Option<watch::Receiver<Position>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&Key::new(pipeline, exporter)).cloned()
    }

    pub(crate) fn add(&self, key: Key, cursor: watch::Receiver<Position>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, cursor);
    }
}
