//! Where a consumer goes on after a restart.

use super::checkpoint::{Checkpoint, Key};
use super::shelf::Found;
use super::window::Passed;
use crate::ledger::{Reason, Totals};
use crate::log::{LogError, LogReader, Mark};

/// Where the consumer of `key` goes on, by what was found of it; `known` is whether it ever had a
/// checkpoint. What lay behind its place and is not in the log any more is counted as dropped.
pub fn resume(
    key: &Key,
    found: Found,
    known: bool,
    reader: &LogReader,
) -> Result<Passed, LogError> {
    let checkpoint = match found {
        Found::Sound(checkpoint) => checkpoint,
        Found::Absent if !known => return Ok(at_head(reader)),
        Found::Absent | Found::Damaged => {
            let Key { pipeline, consumer } = key;
            tracing::warn!(
                pipeline,
                consumer,
                "no checkpoint: everything the log holds is sent again"
            );
            return Ok(at_start(reader));
        }
    };
    let Checkpoint { passed, .. } = checkpoint;
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
    Ok(Passed { totals, ..place })
}

fn at_head(reader: &LogReader) -> Passed {
    Passed { position: reader.head(), taken: reader.taken(), totals: Totals::default() }
}

fn at_start(reader: &LogReader) -> Passed {
    let Mark { position, taken } = reader.oldest();
    Passed { position, taken, totals: Totals::default() }
}
