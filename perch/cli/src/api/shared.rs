//! What all routes stand on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use tokio::sync::Semaphore;

use super::current::Current;
use crate::shipped;

/// Queries of the store that run at once; more wait.
pub(super) const MAX_QUERIES: usize = 4;

/// The views and what only the API needs.
pub(super) struct Shared {
    pub(super) current: Current,
    pub(super) draining: Arc<AtomicBool>,
    pub(super) queries: Semaphore,
    pub(super) runbooks: BTreeMap<String, String>,
}

/// The query string.
pub(super) type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;
/// What the API stands on.
pub(super) type Here = State<Arc<Shared>>;

impl Shared {
    pub(super) fn new(current: Current, draining: Arc<AtomicBool>) -> Self {
        let queries = Semaphore::new(MAX_QUERIES);
        Self { current, draining, queries, runbooks: shipped::runbooks() }
    }
}
