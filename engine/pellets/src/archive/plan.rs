//! Where each entry stands in the tar stream, and where the stream is cut into frames.

use super::block::BLOCK;
use super::header::header_len;
use crate::tree::{Entry, Kind};

/// Two blocks of zeros end a tar stream.
const TRAILER: u64 = 2 * BLOCK;

/// Where the entries stand, however the stream is cut.
#[derive(Debug)]
pub(crate) struct Places(Vec<Place>);

/// The layout of an archive; a pure function of the entries and the frame size.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) places: Vec<Place>,
    pub(crate) frames: Vec<Frame>,
}

/// Where one entry stands in the tar stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Of its first header byte.
    pub(crate) offset: u64,
    pub(crate) header_len: u64,
    /// Stored content bytes without padding.
    pub(crate) content_len: u64,
}

impl Place {
    /// Whether the archive does not hold the entry.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.header_len == 0
    }
}

/// A range of the tar stream that becomes one zstd frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Index of the first entry with bytes in it.
    pub(crate) first: usize,
}

impl Place {
    pub(crate) fn content_start(&self) -> u64 {
        self.offset + self.header_len
    }

    /// The end of the entry, padding included.
    pub(crate) fn end(&self) -> u64 {
        self.content_start() + self.content_len.next_multiple_of(BLOCK)
    }
}

impl Plan {
    /// Cuts the tar stream of `places` into frames.
    pub(crate) fn of(places: Places, frame_size: u32) -> Self {
        let Places(places) = places;
        let mut cutter = Cutter::new(u64::from(frame_size));
        places.iter().for_each(|place| cutter.put(place.end() - place.offset));
        cutter.put(TRAILER);
        let cuts = cutter.finish();
        let first = |start| places.partition_point(|p: &Place| p.end() <= start);
        let frames =
            cuts.windows(2).map(|w| Frame { start: w[0], end: w[1], first: first(w[0]) }).collect();
        Self { places, frames }
    }

    /// The frame in which the byte at `offset` of the tar stream stands.
    pub(crate) fn frame_at(&self, offset: u64) -> usize {
        self.frames.partition_point(|f| f.end <= offset)
    }
}

impl Places {
    /// Puts `entries` one behind the other, without those that are `elsewhere`, by position, whose places are
    /// empty.
    pub(crate) fn of(entries: &[Entry], elsewhere: impl Fn(usize) -> bool) -> Self {
        let lens = |(index, e): (usize, &Entry)| match elsewhere(index) {
            true => (0, 0),
            false => (header_len(e, target_of(e, entries)), e.stored()),
        };
        Self::by_lens(entries.iter().enumerate().map(lens))
    }

    /// By bytes of header and stored content.
    fn by_lens(lens: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut offset = 0;
        let place = |(header_len, content_len)| {
            let place = Place { offset, header_len, content_len };
            offset = place.end();
            place
        };
        Self(lens.map(place).collect())
    }

    /// Bytes of the tar stream.
    pub(crate) fn stream_len(&self) -> u64 {
        self.0.last().map_or(0, Place::end) + TRAILER
    }
}

struct Cutter {
    frame_size: u64,
    /// Start of the open frame.
    start: u64,
    at: u64,
    cuts: Vec<u64>,
}

impl Cutter {
    fn new(frame_size: u64) -> Self {
        Self { frame_size, start: 0, at: 0, cuts: Vec::new() }
    }

    /// Appends a unit.
    fn put(&mut self, len: u64) {
        let open = self.at - self.start;
        if open > 0 && len <= self.frame_size && open + len > self.frame_size {
            self.close(self.at);
        }
        self.at += len;
        while self.at - self.start > self.frame_size {
            self.close(self.start + self.frame_size);
        }
    }

    fn close(&mut self, end: u64) {
        self.cuts.push(self.start);
        self.start = end;
    }

    fn finish(mut self) -> Vec<u64> {
        self.close(self.at);
        self.cuts.push(self.at);
        self.cuts
    }
}

/// The link target that the header of `entry` carries.
pub(crate) fn target_of<'a>(entry: &'a Entry, entries: &'a [Entry]) -> Option<&'a [u8]> {
    match &entry.kind {
        Kind::Symlink { target } => Some(target),
        Kind::HardLink { of } => entries.get(*of).map(|first| &*first.path),
        Kind::File { .. } | Kind::Directory => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(content_lens: &[u64], frame_size: u64) -> Plan {
        let places = Places::by_lens(content_lens.iter().map(|l| (BLOCK, *l)));
        let len = places.stream_len();
        let plan = Plan::of(places, u32::try_from(frame_size).unwrap());
        assert_eq!(plan.frames.last().map(|f| f.end), Some(len));
        plan
    }

    fn cuts(content_lens: &[u64], frame_size: u64) -> Vec<(u64, u64, usize)> {
        let plan = plan(content_lens, frame_size);
        plan.frames.iter().map(|f| (f.start, f.end, f.first)).collect()
    }

    #[test]
    fn an_empty_tree_is_one_frame_with_the_trailer() {
        assert_eq!(cuts(&[], 4096), [(0, 1024, 0)]);
    }

    #[test]
    fn an_entry_that_fits_is_not_cut() {
        assert_eq!(cuts(&[1024, 2560], 4096), [(0, 1536, 0), (1536, 5632, 1)]);
    }

    #[test]
    fn an_entry_longer_than_a_frame_starts_in_the_open_one() {
        assert_eq!(cuts(&[0, 5000], 4096), [(0, 4096, 0), (4096, 7168, 1)]);
    }

    proptest! {
        #[test]
        fn frames_tile_the_stream_and_keep_what_fits_whole(
            lens in prop::collection::vec(0u64..20_000, 0..60),
            frame_blocks in 2u64..16,
        ) {
            let frame_size = frame_blocks * BLOCK;
            let plan = plan(&lens, frame_size);
            let mut at = 0;
            for frame in &plan.frames {
                prop_assert_eq!(frame.start, at);
                prop_assert!(frame.end > frame.start && frame.end - frame.start <= frame_size);
                at = frame.end;
            }
            let want = lens.iter().map(|l| BLOCK + l.next_multiple_of(BLOCK)).sum::<u64>() + TRAILER;
            prop_assert_eq!(at, want);
            for (index, place) in plan.places.iter().enumerate() {
                let frame = plan.frame_at(place.offset);
                prop_assert!(plan.frames[frame].first <= index);
                if place.end() - place.offset <= frame_size {
                    prop_assert!(place.end() <= plan.frames[frame].end);
                }
            }
        }
    }
}
