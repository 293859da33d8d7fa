//! Where in the logs records lie whose reception is traced.

use std::collections::{BTreeMap, VecDeque};

use super::span::Context;
use crate::log::Position;

/// So many receptions are remembered; what is delivered later begins a trace of its own.
const MAX_PLACES: usize = 1024;

/// Receptions by the place of their record.
#[derive(Debug, Default)]
pub(super) struct Places {
    known: BTreeMap<(String, Position), Context>,
    oldest: VecDeque<(String, Position)>,
}

impl Places {
    /// The record at `position` was received in `context`.
    pub(super) fn put(&mut self, pipeline: &str, position: Position, context: Context) {
        let place = (pipeline.to_owned(), position);
        if self.known.insert(place.clone(), context).is_none() {
            self.oldest.push_back(place);
        }
        while self.oldest.len() > MAX_PLACES {
            let gone = self.oldest.pop_front();
            let _ = gone.and_then(|place| self.known.remove(&place));
        }
    }

    /// The reception of the record at `position`.
    pub(super) fn of(&self, pipeline: &str, position: Position) -> Option<Context> {
        self.known.get(&(pipeline.to_owned(), position)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let mut places = Places::default();
        let at = |offset| Position { offset, ..Position::default() };
        for offset in 0..=MAX_PLACES as u64 {
            places.put("traces", at(offset), Context::random());
        }
        assert_eq!(places.of("traces", at(0)), None);
        assert!(places.of("traces", at(1)).is_some() && places.of("logs", at(1)).is_none());
    }
}
