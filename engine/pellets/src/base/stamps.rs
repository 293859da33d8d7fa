//! What tells later whether a file is the one that was packed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::read::in_order;
use crate::sidecar::{EntryKind, Sidecar, SidecarEntry};
use crate::tree::{Entry, Kind, Segment, Sparse, Stamp};

/// A file whose ctime lies less than this before its packing began may have been written to since
/// without a trace: clocks of file systems tick in up to two seconds.
const RACY_NANOS: i128 = 2_000_000_000;

const LEN: usize = 16;

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

impl Serialize for Stamps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.0.len() * LEN);
        for (inode, ctime) in &self.0 {
            bytes.extend_from_slice(&inode.to_le_bytes());
            bytes.extend_from_slice(&ctime.to_le_bytes());
        }
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
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
    /// By entry.
    stamps: Vec<Option<(u64, i64)>>,
    /// Nothing that changed from then on is taken as unchanged.
    before: i128,
}

impl<'a> Known<'a> {
    pub(crate) fn of(sidecar: &'a Sidecar) -> Self {
        let begun = OffsetDateTime::parse(&sidecar.created_at, &Rfc3339);
        let before = begun.map_or(i128::MIN, |at| at.unix_timestamp_nanos() - RACY_NANOS);
        let mut noted = sidecar.stamps.iter().flat_map(|stamps| stamps.0.iter().copied());
        let is_file = |e: &SidecarEntry| e.kind == EntryKind::File;
        let stamps = sidecar.entries.iter().map(|e| if is_file(e) { noted.next() } else { None });
        Self { sidecar, stamps: stamps.collect(), before }
    }

    /// Whether the regular file with this stamp is still the one at `i`.
    pub(crate) fn is_unchanged(&self, i: usize, stamp: &Stamp) -> bool {
        let entry = &self.sidecar.entries[i];
        let noted = (stamp.ino, stamp.ctime_ns());
        self.stamps[i] == Some(noted)
            && stamp.ctime < self.before
            && entry.mtime_ns == stamp.mtime_ns()
            && entry.size == u64::try_from(stamp.size).ok()
    }

    /// The holes of the regular file at `path`, where it is unchanged.
    pub(crate) fn holes(&self, path: &[u8], stamp: &Stamp) -> Option<Option<Sparse>> {
        let entries = &self.sidecar.entries;
        let i = entries.binary_search_by(|e| in_order(e.path.as_bytes(), path)).ok()?;
        if !self.is_unchanged(i, stamp) {
            return None;
        }
        let segment = |(offset, len): &(u64, u64)| Segment { offset: *offset, len: *len };
        let sparse = entries[i].sparse.as_ref();
        Some(sparse.map(|data| Sparse::of(data.iter().map(segment).collect())))
    }
}
