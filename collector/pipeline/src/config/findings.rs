//! What was found so far of a configuration that is being read.

use super::at::At;
use super::error::Finding;
use super::types::Note;

/// Faults, and what else there is to say.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) faults: Vec<Finding>,
    pub(super) notes: Vec<Note>,
}

impl Findings {
    /// The value, or its fault put down.
    pub(super) fn keep<T>(&mut self, read: Result<T, Finding>) -> Option<T> {
        read.map_err(|fault| self.faults.push(fault)).ok()
    }

    pub(super) fn note(&mut self, at: At, message: impl Into<String>) {
        self.notes.push(Note { at, message: message.into() });
    }
}
