//! What there is to do in each frame, and which files are brought back in pieces.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::job::Job;
use super::large::Large;
use crate::sidecar::EntryKind;

/// Content of this length and less is brought back at once; longer content in pieces that begin at
/// multiples of it: as much as stays in a processor's own cache from decoding to writing.
pub(super) const PIECE: u64 = 256 << 10;

/// What stands in a portion of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// Entries that are there whole.
    Entries(Range<usize>),
    /// The beginning of one that reaches into the next frame.
    Beginning(usize),
    /// The header of a large file.
    Header(usize),
    /// A piece of its content.
    Piece(usize),
}

/// A frame with what is wanted of it.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) layer: u32,
    pub(super) frame: usize,
    /// The large file that began in an earlier frame and goes on in this one.
    pub(super) rest: Option<usize>,
    /// The entries that begin in it.
    pub(super) entries: Vec<Range<usize>>,
}

/// All there is to do.
#[derive(Debug)]
pub(super) struct Units<'a> {
    pub(super) list: Vec<Unit>,
    large: BTreeMap<usize, Large<'a>>,
}

impl<'a> Units<'a> {
    /// The frames in which wanted entries stand.
    pub(super) fn of(job: &Job<'a>) -> Self {
        let mut units = Self { list: Vec::new(), large: BTreeMap::new() };
        // Where entries of several archives alternate, each frame is still decoded once.
        let mut known: HashMap<(u32, usize), usize> = HashMap::new();
        let mut last = None;
        for i in job.entries.clone() {
            let entry = job.entry(i);
            let place = (entry.layer, usize::try_from(entry.frame).unwrap_or(usize::MAX));
            let at = match last {
                Some((last, at)) if last == place => at,
                _ => units.at(&mut known, place),
            };
            last = Some((place, at));
            match units.list[at].entries.last_mut() {
                Some(range) if range.end == i => range.end = i + 1,
                _ => units.list[at].entries.push(i..i + 1),
            }
            let Some(end) = last_frame(job, i) else { continue };
            for frame in place.1 + 1..=end {
                let at = units.at(&mut known, (place.0, frame));
                units.list[at].rest = Some(i);
            }
            units.large.insert(i, Large::new(job, i));
        }
        units
    }

    /// The entry at `i`, where it is brought back in pieces.
    pub(super) fn large(&self, i: usize) -> Option<&Large<'a>> {
        self.large.get(&i)
    }

    /// What is wanted of a frame, in the order of the tar stream, each with its place there.
    pub(super) fn portions(&self, job: &Job<'_>, unit: &Unit) -> Vec<(What, Range<u64>)> {
        let start = job.index.frame_start(unit.layer, unit.frame);
        let archive = job.layers.get(unit.layer).ok();
        let frame = archive.and_then(|archive| archive.frames().get(unit.frame));
        let end = start + frame.map_or(0, |frame| u64::from(frame.content));
        let mut portions = Vec::new();
        if let Some(i) = unit.rest {
            self.pieces(i, start..end, &mut portions);
        }
        for i in unit.entries.iter().cloned().flatten() {
            let place = job.index.start(i)..job.index.end(i);
            if let Some(large) = self.large(i) {
                portions.push((What::Header(i), place.start..large.content.start));
                self.pieces(i, start..end, &mut portions);
            } else if place.end > end {
                portions.push((What::Beginning(i), place.start..end));
            } else {
                match portions.last_mut() {
                    Some((What::Entries(entries), before))
                        if entries.end == i
                            && before.end == place.start
                            && place.end - before.start <= PIECE =>
                    {
                        (entries.end, before.end) = (i + 1, place.end);
                    }
                    _ => portions.push((What::Entries(i..i + 1), place)),
                }
            }
        }
        portions
    }

    /// The pieces of a large file that stand in `frame`.
    fn pieces(&self, i: usize, frame: Range<u64>, portions: &mut Vec<(What, Range<u64>)>) {
        let Some(large) = self.large(i) else { return };
        let mut at = large.content.start.max(frame.start);
        let end = large.content.end.min(frame.end);
        while at < end {
            let offset = at - large.content.start;
            let to = end.min(at + PIECE - offset % PIECE);
            portions.push((What::Piece(i), at..to));
            at = to;
        }
    }

    /// Bytes of the archives that stand in these frames.
    pub(super) fn compressed(&self, job: &Job<'_>) -> u64 {
        let frame = |unit: &Unit| {
            let archive = job.layers.get(unit.layer).ok()?;
            archive.frames().get(unit.frame).map(|frame| u64::from(frame.compressed))
        };
        self.list.iter().filter_map(frame).sum()
    }

    fn at(&mut self, known: &mut HashMap<(u32, usize), usize>, place: (u32, usize)) -> usize {
        *known.entry(place).or_insert_with(|| {
            let (layer, frame) = place;
            self.list.push(Unit { layer, frame, rest: None, entries: Vec::new() });
            self.list.len() - 1
        })
    }
}

/// The frame in which the entry at `i` ends, where it can be brought back in pieces: a long file without
/// holes whose header stands in one frame and says what its place says. Any other entry is read as a
/// stream, which finds out what is wrong with it.
fn last_frame(job: &Job<'_>, i: usize) -> Option<usize> {
    let entry = job.entry(i);
    let size = entry.size.filter(|size| *size > PIECE)?;
    if entry.kind != EntryKind::File || entry.sparse.is_some() {
        return None;
    }
    let content = job.content(i);
    let padded = content.start.checked_add(size)?.checked_next_multiple_of(512)?;
    if padded != job.index.end(i) {
        return None;
    }
    let first = usize::try_from(entry.frame).ok()?;
    let frames = job.layers.get(entry.layer).ok()?.frames();
    let mut end = job.index.frame_start(entry.layer, first) + u64::from(frames.get(first)?.content);
    if content.start > end {
        return None;
    }
    let mut last = first;
    while end < content.end {
        last += 1;
        end += u64::from(frames.get(last)?.content);
    }
    Some(last)
}
