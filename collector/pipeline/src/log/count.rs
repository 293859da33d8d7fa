//! What lies in a log, counted by the headers of its records when it is opened.

use durable_fs::{File, Fs};

use super::error::{LogError, io};
use super::mark::Tally;
use super::record::{
    Header, Position, RECORD_HEADER, RECORD_HEADER_LEN, SEGMENT_HEADER_LEN, SegmentId,
};
use super::segment::{Body, Segment};
use super::state::State;
use crate::ledger::Amount;

/// What the checkpoints of a log remember of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The place up to which it is remembered.
    pub position: Position,
    /// Everything it took in before that place.
    pub taken: Amount,
    /// The same by origin.
    pub origins: Vec<Amount>,
    /// No segment may get a number below this one: some checkpoint speaks of records there that
    /// went with the machine.
    pub next_id: SegmentId,
}

impl Default for Past {
    fn default() -> Self {
        let (position, taken, origins) = Default::default();
        Self { position, taken, origins, next_id: SegmentId(1) }
    }
}

/// Counts what `state`'s segments hold, and goes on from `past`.
pub(super) fn count(fs: &dyn Fs, state: &mut State, past: &Past) -> Result<(), LogError> {
    state.origins.clone_from(&past.origins);
    let mut behind = Amount::NONE;
    for i in 0..state.segments.len() {
        let mut amount = Amount::NONE;
        let segment = &state.segments[i];
        let mut found = Vec::new();
        headers(fs, segment, SEGMENT_HEADER_LEN, |at, header| {
            amount += header.amount();
            if at >= past.position {
                found.push((usize::from(header.origin.0), header.amount()));
            }
        })?;
        for (origin, amount) in found {
            behind += amount;
            if state.origins.len() <= origin {
                state.origins.resize(origin + 1, Amount::NONE);
            }
            state.origins[origin] += amount;
        }
        state.segments[i].amount = amount;
        state.n_bytes += state.segments[i].n_bytes;
    }
    let held: Amount = state.segments.iter().map(|s| s.amount).sum();
    let mut before = Tally { amount: past.taken + behind - held, n_stored: 0 };
    for segment in &mut state.segments {
        segment.before = before;
        before.amount += segment.amount;
        before.n_stored += segment.n_bytes - SEGMENT_HEADER_LEN;
    }
    state.taken = before;
    Ok(())
}

/// What the records of `segment` from `from` on add to accounts.
pub(super) fn amount_from(
    fs: &dyn Fs,
    segment: &Segment,
    from: Position,
) -> Result<Amount, LogError> {
    let mut amount = Amount::NONE;
    headers(fs, segment, from.offset, |_, header| amount += header.amount())?;
    Ok(amount)
}

/// Shows the headers of a segment on disk from `offset` on, up to the first that makes no sense.
fn headers(
    fs: &dyn Fs,
    segment: &Segment,
    offset: u64,
    mut show: impl FnMut(Position, &Header),
) -> Result<(), LogError> {
    let Body::File(on_disk) = &segment.body else { return Ok(()) };
    let failed = |e| io("read", &on_disk.path, e);
    let file: &dyn File = on_disk.reader(fs).map_err(failed)?;
    let mut at = offset.max(SEGMENT_HEADER_LEN);
    let mut raw = [0; RECORD_HEADER];
    while at < segment.n_bytes {
        if file.read_at(&mut raw, at).map_err(failed)? < raw.len() {
            break;
        }
        let Ok(header) = Header::decode(&raw) else { break };
        let end = at + RECORD_HEADER_LEN + u64::from(header.stored_len);
        if end > segment.n_bytes {
            break;
        }
        show(Position { segment: segment.id, offset: at }, &header);
        at = end;
    }
    Ok(())
}
