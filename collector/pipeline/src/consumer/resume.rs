//! Where a consumer goes on after a restart.

use bytes::Bytes;

use super::checkpoint::{Checkpoint, Key};
use super::shelf::Found;
use super::window::Passed;
use crate::ledger::{Amount, Reason, Totals};
use crate::log::{LogError, LogReader, Mark};

/// Where a consumer goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    /// The place, and what became of everything before it.
    pub passed: Passed,
    /// The state that belongs to the place.
    pub state: Bytes,
    /// What lay behind its last place and is gone; counted as dropped.
    pub lost: Amount,
}

/// Where the consumer of `key` goes on, by what was found of it; `known` is whether it ever had a
/// checkpoint. What lay behind its place and is not in the log any more is counted as dropped.
pub fn resume(
    key: &Key,
    found: Found,
    known: bool,
    reader: &LogReader,
) -> Result<Resumed, LogError> {
    let fresh = |passed| Resumed { passed, state: Bytes::new(), lost: Amount::NONE };
    let checkpoint = match found {
        Found::Sound(checkpoint) => checkpoint,
        Found::Absent if !known => return Ok(fresh(at_head(reader))),
        Found::Absent | Found::Damaged => {
            let start = at_start(reader);
            let again = reader.taken() - start.taken;
            if !again.is_none() {
                let Key { pipeline, consumer } = key;
                let n_items = again.n_items;
                tracing::warn!(
                    pipeline,
                    consumer,
                    n_items,
                    "no checkpoint: what the log holds is sent again"
                );
            }
            return Ok(fresh(start));
        }
    };
    let Checkpoint { passed, state } = checkpoint;
    let gone = passed.position < reader.start();
    let (place, reason) = match gone {
        true => (at_start(reader), Reason::Retention),
        false => {
            let taken = reader.taken() - reader.amount_behind(passed.position)?;
            (Passed { taken, ..passed }, Reason::Damaged)
        }
    };
    let lost = place.taken - passed.taken;
    let mut totals = passed.totals;
    totals.drop_for(reason, lost);
    if !lost.is_none() {
        let Key { pipeline, consumer } = key;
        let (n_items, reason) = (lost.n_items, reason.as_str());
        tracing::error!(pipeline, consumer, n_items, reason, "items are gone that were not read");
    }
    Ok(Resumed { passed: Passed { totals, ..place }, state, lost })
}

fn at_head(reader: &LogReader) -> Passed {
    Passed { position: reader.head(), taken: reader.taken(), totals: Totals::default() }
}

fn at_start(reader: &LogReader) -> Passed {
    let Mark { position, taken } = reader.oldest();
    Passed { position, taken, totals: Totals::default() }
}
