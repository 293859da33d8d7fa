//! What a pipeline knows of itself besides its records: who its receivers are by number, what each
//! brought, and which consumers it has had.
//!
//! A record bears the number of its receiver. The register is a checkpoint like a consumer's, at the
//! head of the log when it was written: what lies behind is counted by number at the next start.

use std::collections::{BTreeMap, BTreeSet};

use super::checkpoint::Checkpoint;
use super::fields::{Fields, put_text};
use super::shelf::Found;
use super::window::Passed;
use crate::ledger::{Amount, Totals};
use crate::log::{Origin, Past, Position, SegmentId};

/// A pipeline's register.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Register {
    /// The place it speaks of.
    pub position: Position,
    /// Everything the log took in before it.
    pub taken: Amount,
    /// Receivers by name.
    pub receivers: BTreeMap<String, Entry>,
    /// All consumers that ever had a checkpoint.
    pub consumers: BTreeSet<String>,
    /// Whether it was read, and is not just beginning.
    pub known: bool,
}

/// One receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entry {
    /// The number in its records.
    pub origin: Origin,
    /// What the log took from it before the register's place.
    pub taken: Amount,
    /// What was accepted from it and could not be written.
    pub unwritten: Amount,
}

impl Register {
    /// The register that was found; a new one where there is none that can be read.
    #[must_use]
    pub fn read(found: &Found) -> Self {
        let Found::Sound(checkpoint) = found else { return Self::default() };
        match decode(&checkpoint.state) {
            Some(register) => {
                let Passed { position, taken, .. } = checkpoint.passed;
                Self { position, taken, known: true, ..register }
            }
            None => Self::default(),
        }
    }

    /// What the log should know of its past; `others` are the places its consumers speak of.
    pub fn past(&self, others: impl Iterator<Item = Position>) -> Past {
        let used_up = |at: Position| match at > Position::start_of(at.segment) {
            true => SegmentId(at.segment.0 + 1),
            false => at.segment,
        };
        let next_id = others.chain([self.position]).map(used_up).max().unwrap_or_default();
        let last = self.receivers.values().map(|e| usize::from(e.origin.0)).max().unwrap_or(0);
        let mut origins = vec![Amount::NONE; last + 1];
        for entry in self.receivers.values() {
            origins[usize::from(entry.origin.0)] = entry.taken;
        }
        Past { position: self.position, taken: self.taken, origins, next_id }
    }

    /// The number of a receiver; a new one is above `n_known`, those that records bear already.
    pub fn origin(&mut self, receiver: &str, n_known: usize) -> Origin {
        if let Some(entry) = self.receivers.get(receiver) {
            return entry.origin;
        }
        let used = self.receivers.values().map(|e| usize::from(e.origin.0) + 1).max().unwrap_or(1);
        // With all numbers used up, what later receivers bring is counted together.
        let origin = Origin(u16::try_from(used.max(n_known)).unwrap_or(u16::MAX));
        self.receivers.insert(receiver.to_owned(), Entry { origin, ..Entry::default() });
        origin
    }

    /// The register as a checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let (position, taken) = (self.position, self.taken);
        let passed = Passed { position, taken, totals: Totals::default() };
        Checkpoint { passed, state: self.encode().into() }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX).to_le_bytes();
        out.extend_from_slice(&count(self.receivers.len()));
        for (name, Entry { origin, taken, unwritten }) in &self.receivers {
            out.extend_from_slice(&origin.0.to_le_bytes());
            put_text(&mut out, name);
            for n in [taken.n_items, taken.n_bytes, unwritten.n_items, unwritten.n_bytes] {
                out.extend_from_slice(&n.to_le_bytes());
            }
        }
        out.extend_from_slice(&count(self.consumers.len()));
        self.consumers.iter().for_each(|name| put_text(&mut out, name));
        out
    }
}

fn decode(raw: &[u8]) -> Option<Register> {
    let mut fields = Fields(raw);
    let mut register = Register::default();
    for _ in 0..fields.u16()? {
        let origin = Origin(fields.u16()?);
        let name = fields.text()?.to_owned();
        let taken = Amount::new(fields.u64()?, fields.u64()?);
        let unwritten = Amount::new(fields.u64()?, fields.u64()?);
        register.receivers.insert(name, Entry { origin, taken, unwritten });
    }
    for _ in 0..fields.u16()? {
        register.consumers.insert(fields.text()?.to_owned());
    }
    fields.0.is_empty().then_some(register)
}
