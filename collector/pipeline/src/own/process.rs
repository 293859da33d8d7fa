//! Spans of the process itself: its starts, its reloads.

use serde_json::Value;

use super::span::{Context, Kind, Span};
use super::traces::OwnTraces;

/// A span that has begun.
#[derive(Debug)]
#[must_use]
pub struct Begun {
    own: OwnTraces,
    name: &'static str,
    started: u64,
    attributes: Vec<(&'static str, Value)>,
    error: Option<String>,
}

impl OwnTraces {
    /// Begins a span of the process itself.
    pub fn begin(&self, name: &'static str) -> Begun {
        Begun::new(self.clone(), name, self.now())
    }

    /// The same, for one that began at `started`.
    pub fn began_at(&self, name: &'static str, started: u64) -> Begun {
        Begun::new(self.clone(), name, started)
    }
}

impl Begun {
    fn new(own: OwnTraces, name: &'static str, started: u64) -> Self {
        Self { own, name, started, attributes: Vec::new(), error: None }
    }

    /// Adds an attribute of the catalogue.
    pub fn with(mut self, key: &'static str, value: &str) -> Self {
        self.attributes.push((key, value.into()));
        self
    }

    /// It ends badly.
    pub fn failed(mut self, message: &str) -> Self {
        self.error = Some(message.to_owned());
        self
    }

    /// Ends it now.
    pub fn end(self) {
        let Self { own, name, started, attributes, error } = self;
        let Some(ended) = own.instant() else { return };
        if own.admits(|_| true) {
            let (kind, context, parent) = (Kind::Internal, Context::random(), None);
            own.put(Span { name, kind, context, parent, started, ended, attributes, error });
        }
    }
}
