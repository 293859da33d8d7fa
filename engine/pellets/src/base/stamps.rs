//! What tells later whether a file is the one that was packed.

use std::cmp::Ordering;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::read::in_order;
use crate::sidecar::{EntryKind, Sidecar, SidecarEntry};
use crate::tree::{Attribute, Entry, Kind, RACY_NANOS, Rare, Segment, Sparse, Stamp};

const LEN: usize = 16;

/// Stamps that are written at once: their text is whole only where their bytes come in threes.
const PIECE: usize = 3 * 256;

/// No file has this number: a sidecar with so many is not read.
const NOTHING: u32 = u32::MAX;

/// Inode and ctime of each regular file, in the order of the entries; base64 of 16 bytes each (u64, i64,
/// little-endian), since nobody but the machine that wrote them can use them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamps(Vec<(u64, i64)>);

impl Stamps {
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let files = entries.iter().filter(|e| matches!(e.kind, Kind::File { .. }));
        Self(files.map(|e| (e.stamp.ino, e.stamp.ctime_ns())).collect())
    }
}

/// The text of stamps, made piece by piece.
struct Text<'a>(&'a [(u64, i64)]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(PIECE * LEN);
        let mut text = String::with_capacity(PIECE * LEN * 4 / 3);
        for piece in self.0.chunks(PIECE) {
            bytes.clear();
            text.clear();
            for (inode, ctime) in piece {
                bytes.extend_from_slice(&inode.to_le_bytes());
                bytes.extend_from_slice(&ctime.to_le_bytes());
            }
            STANDARD_NO_PAD.encode_string(&bytes, &mut text);
            f.write_str(&text)?;
        }
        Ok(())
    }
}

impl Serialize for Stamps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Text(&self.0))
    }
}

impl<'de> Deserialize<'de> for Stamps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text.as_bytes()).map_err(de::Error::custom)?;
        let (stamps, rest) = bytes.as_chunks::<LEN>();
        if !rest.is_empty() {
            return Err(de::Error::custom("stamps come in 16 bytes each"));
        }
        let stamp = |bytes: &[u8; LEN]| {
            let (words, _) = bytes.as_chunks::<8>();
            (u64::from_le_bytes(words[0]), i64::from_le_bytes(words[1]))
        };
        Ok(Self(stamps.iter().map(stamp).collect()))
    }
}

/// The files of an earlier Pellet as the walk of a tree asks for them.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    sidecar: &'a Sidecar,
    noted: &'a [(u64, i64)],
    /// By entry the position of what was noted of it; [`NOTHING`] where that is nothing.
    stamps: Vec<u32>,
    /// Nothing that changed from then on is taken as unchanged.
    before: i128,
}

impl<'a> Known<'a> {
    pub(crate) fn of(sidecar: &'a Sidecar) -> Self {
        let begun = OffsetDateTime::parse(&sidecar.created_at, &Rfc3339);
        let before = begun.map_or(i128::MIN, |at| at.unix_timestamp_nanos() - RACY_NANOS);
        let noted = sidecar.stamps.as_ref().map_or(&[][..], |stamps| &stamps.0);
        let mut numbers = 0..u32::try_from(noted.len()).unwrap_or(NOTHING);
        let mut number = |e: &SidecarEntry| match e.kind {
            EntryKind::File => numbers.next().unwrap_or(NOTHING),
            _ => NOTHING,
        };
        let stamps = sidecar.entries.iter().map(&mut number).collect();
        Self { sidecar, noted, stamps, before }
    }

    /// Whether the regular file with this stamp is still the one at `i`.
    pub(crate) fn is_unchanged(&self, i: usize, stamp: &Stamp) -> bool {
        let entry = &self.sidecar.entries[i];
        let now = (stamp.ino, stamp.ctime_ns());
        let noted = usize::try_from(self.stamps[i]).ok().and_then(|n| self.noted.get(n));
        noted == Some(&now)
            && stamp.ctime() < self.before
            && entry.mtime_ns == stamp.mtime_ns()
            && entry.size == u64::try_from(stamp.size).ok()
    }

    /// Where what is in the directory `dir` may begin.
    pub(crate) fn first_in(&self, dir: &[u8]) -> usize {
        if dir.is_empty() { 0 } else { self.seek(0, dir).map_or_else(|at| at, |at| at + 1) }
    }

    /// What the regular file at `path` has besides its content, where it is unchanged: whoever gives a file
    /// attributes changes its ctime. Looks behind `from`, which then is near; paths of one directory are to come in
    /// order.
    pub(crate) fn find(
        &self,
        from: &mut usize,
        path: &[u8],
        stamp: &Stamp,
    ) -> Option<Option<Box<Rare>>> {
        let found = self.seek(*from, path);
        let (Ok(at) | Err(at)) = found;
        *from = at;
        let at = found.ok().filter(|at| self.is_unchanged(*at, stamp))?;
        let entry = self.sidecar.entries.get(at)?;
        let attribute =
            |(name, value): (&[u8], &[u8])| Attribute { name: name.into(), value: value.into() };
        let segment = |(offset, len): &(u64, u64)| Segment { offset: *offset, len: *len };
        let sparse =
            entry.sparse.as_ref().map(|data| Sparse::of(data.iter().map(segment).collect()));
        Some(Rare::of(entry.attribute_pairs().map(attribute).collect(), sparse))
    }

    /// The position of the entry at `path`, or where it would stand, from `from` on; the nearer, the faster.
    fn seek(&self, from: usize, path: &[u8]) -> Result<usize, usize> {
        let entries = self.sidecar.entries.get(from..).unwrap_or_default();
        let order = |e: &SidecarEntry| in_order(e.path.as_bytes(), path);
        let mut n = 1;
        while entries.get(n - 1).is_some_and(|e| order(e) == Ordering::Less) {
            n *= 2;
        }
        let (low, high) = (n / 2, n.min(entries.len()));
        let found = entries[low..high].binary_search_by(order);
        found.map(|at| from + low + at).map_err(|at| from + low + at)
    }
}
