//! A sidecar that was checked against its archive and against every rule for what is brought back.

use std::cmp::Ordering;

use super::archive::Archive;
use super::error::{ReadError, ReadErrorKind};
use super::limits::Limits;
use super::path::{SafePath, in_order};
use super::tar::{TarEntry, TarKind};
use crate::sidecar::{DELTA_SCHEMA_VERSION, EntryKind, Sidecar, SidecarEntry, SidecarFrame};

/// Two blocks of zeros end the tar stream.
const TRAILER: u64 = 1024;
const BLOCK: u64 = 512;

/// The entries of a Pellet, each with its place in the tar stream.
///
/// # Invariants
/// 1. Paths are safe, unique and in the order of the format; each has its directories before it.
/// 2. The target of a hard link is an earlier regular file.
/// 3. Places ascend, so what is between two headers can be compared with what the first announces.
#[derive(Debug)]
pub(crate) struct Index<'a> {
    pub(crate) sidecar: &'a Sidecar,
    /// Where each entry begins in the tar stream of its archive, and where it must end.
    places: Vec<(u64, u64)>,
    /// Where each frame begins in the tar stream, by layer.
    starts: Vec<Vec<u64>>,
    /// The directory of each entry; none for what lies in the root.
    parents: Vec<Option<u32>>,
}

impl<'a> Index<'a> {
    /// Checks everything that can be checked without decoding a frame.
    pub(crate) fn check(
        sidecar: &'a Sidecar,
        archive: &Archive,
        limits: &Limits,
    ) -> Result<Self, ReadError> {
        same_frames(sidecar, archive)?;
        same_delta(sidecar, archive)?;
        caps(sidecar, archive, limits)?;
        let layers = sidecar.delta.iter().flat_map(|delta| &delta.layers);
        let all = std::iter::once(&sidecar.frames).chain(layers.map(|layer| &layer.frames));
        let (starts, ends): (Vec<_>, Vec<_>) = all.map(|frames| starts(frames)).unzip();
        let n = sidecar.entries.len();
        let (places, parents) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let mut streams: Vec<Stream> =
            ends.into_iter().map(|end| Stream { end, last: None }).collect();
        let mut index = Self { sidecar, places, starts, parents };
        let mut ancestors: Vec<(&[u8], u32)> = Vec::new();
        let mut last: Option<&[u8]> = None;
        for (i, entry) in (0..).zip(&sidecar.entries) {
            let failed = |e: ReadError| e.on(entry.path.as_bytes());
            let path = check_entry(entry, limits).map_err(failed)?;
            if last.is_some_and(|last| in_order(last, path.as_bytes()) != Ordering::Less) {
                return Err(failed(out_of_order(last, path.as_bytes())));
            }
            last = Some(path.as_bytes());
            index.parents.push(under_directory(&mut ancestors, path).map_err(failed)?);
            if entry.kind == EntryKind::Directory {
                ancestors.push((path.as_bytes(), i));
            }
            index.place(entry, &mut streams).map_err(failed)?;
        }
        index.close(&streams)?;
        index.links()?;
        Ok(index)
    }

    /// Where the entry at `i` must end in the tar stream: where the next one begins.
    pub(crate) fn end(&self, i: usize) -> u64 {
        self.places.get(i).map_or(0, |(_, end)| *end)
    }

    /// Where the entry at `i` begins in the tar stream.
    pub(crate) fn start(&self, i: usize) -> u64 {
        self.places.get(i).map_or(0, |(start, _)| *start)
    }

    /// The directory of the entry at `i`; none where that is the root.
    pub(crate) fn parent(&self, i: usize) -> Option<usize> {
        self.parents.get(i).copied().flatten().map(|parent| parent as usize)
    }

    /// Where the frame of a layer begins in the tar stream.
    pub(crate) fn frame_start(&self, layer: u32, frame: usize) -> u64 {
        let starts = usize::try_from(layer).ok().and_then(|layer| self.starts.get(layer));
        starts.and_then(|starts| starts.get(frame)).copied().unwrap_or(0)
    }

    /// The frame of the Pellet's own archive that begins there in the tar stream.
    pub(crate) fn frame_at(&self, start: u64) -> Option<usize> {
        self.starts.first()?.binary_search(&start).ok()
    }

    /// Stored bytes of all files, wherever they stand.
    pub(crate) fn stored(&self) -> u64 {
        self.sidecar.entries.iter().map(stored).fold(0, u64::saturating_add)
    }

    /// The position of the entry of this path.
    pub(crate) fn find(&self, path: &[u8]) -> Option<usize> {
        self.sidecar.entries.binary_search_by(|e| in_order(e.path.as_bytes(), path)).ok()
    }

    /// The positions of the entry of this path and of all below it.
    pub(crate) fn subtree(&self, path: &[u8]) -> Option<std::ops::Range<usize>> {
        let first = self.find(path)?;
        let below = |e: &SidecarEntry| {
            let rest = e.path.as_bytes().strip_prefix(path);
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        };
        let n = self.sidecar.entries[first + 1..].iter().take_while(|e| below(e)).count();
        Some(first..first + 1 + n)
    }

    fn place(&mut self, entry: &SidecarEntry, streams: &mut [Stream]) -> Result<(), ReadError> {
        let odd = |what| ReadError::damaged("entry-place", what);
        let layer = usize::try_from(entry.layer).unwrap_or(usize::MAX);
        let stream = streams.get_mut(layer);
        let stream = stream.ok_or_else(|| odd("an entry stands in no archive of the pellet"))?;
        let frame = frames_of(self.sidecar, layer).and_then(|frames| {
            let frame = usize::try_from(entry.frame).ok()?;
            Some((frames.get(frame)?, *self.starts.get(layer)?.get(frame)?))
        });
        let (frame, start) =
            frame.ok_or_else(|| odd("an entry stands in no frame of the archive"))?;
        let fits = entry.offset < u64::from(frame.content) && entry.offset.is_multiple_of(BLOCK);
        let header = entry.header >= BLOCK && entry.header.is_multiple_of(BLOCK);
        let place = start + entry.offset;
        // What an earlier archive holds between the entries that are needed of it does not matter.
        let len = entry.header.saturating_add(stored(entry)).div_ceil(BLOCK).saturating_mul(BLOCK);
        let end = place.saturating_add(len);
        let behind = match stream.last {
            None => layer > 0 || place == 0,
            Some(last) if layer > 0 => self.places[last].1 <= place,
            Some(last) => self.places[last].0 < place,
        };
        let inside = layer == 0 || end <= stream.end.saturating_sub(TRAILER);
        if !(fits && header && behind && inside) {
            return Err(odd("an entry stands where none can be"));
        }
        if layer == 0
            && let Some(last) = stream.last
        {
            self.places[last].1 = place;
        }
        stream.last = Some(self.places.len());
        self.places.push((place, end));
        Ok(())
    }

    /// The last entry of the Pellet's own archive ends where the trailer begins.
    fn close(&mut self, streams: &[Stream]) -> Result<(), ReadError> {
        let own = streams.first();
        let trailer = own.and_then(|own| own.end.checked_sub(TRAILER)).ok_or_else(|| {
            ReadError::damaged("archive-truncated", "the tar stream is too short for its end")
        })?;
        match own.and_then(|own| own.last) {
            Some(last) => self.places[last].1 = trailer,
            None if trailer == 0 => {}
            None => {
                let what = "the archive holds entries that the sidecar does not have";
                return Err(ReadError::damaged("entry-mismatch", what));
            }
        }
        Ok(())
    }

    fn links(&self) -> Result<(), ReadError> {
        for (i, entry) in self.sidecar.entries.iter().enumerate() {
            if entry.kind != EntryKind::Hardlink {
                continue;
            }
            let target = entry.target.as_ref().and_then(|target| self.find(target.as_bytes()));
            let file =
                target.filter(|t| *t < i && self.sidecar.entries[*t].kind == EntryKind::File);
            if file.is_none() {
                let what = "a hard link does not lead to an earlier file of the pellet";
                return Err(ReadError::refused("link-target", what).on(entry.path.as_bytes()));
            }
        }
        Ok(())
    }
}

/// The tar stream of one archive, as far as it is placed.
struct Stream {
    /// Its length.
    end: u64,
    /// The entry placed last.
    last: Option<usize>,
}

/// Where each frame begins in the tar stream, and where the last one ends.
fn starts(frames: &[SidecarFrame]) -> (Vec<u64>, u64) {
    let mut end = 0;
    let starts = frames.iter().map(|frame| {
        let start = end;
        end += u64::from(frame.content);
        start
    });
    (starts.collect(), end)
}

/// The frames of a layer; layer 0 is the Pellet's own archive.
fn frames_of(sidecar: &Sidecar, layer: usize) -> Option<&[SidecarFrame]> {
    match layer.checked_sub(1) {
        None => Some(&sidecar.frames),
        Some(layer) => Some(&sidecar.delta.as_ref()?.layers.get(layer)?.frames),
    }
}

/// Content bytes of an entry that stand in a tar stream.
fn stored(entry: &SidecarEntry) -> u64 {
    match (&entry.sparse, entry.size) {
        (Some(segments), _) => segments.iter().map(|(_, len)| *len).fold(0, u64::saturating_add),
        (None, Some(size)) => size,
        (None, None) => 0,
    }
}

/// Archive and sidecar tell the same of a delta: for which tree, against which Pellet, with which layers.
fn same_delta(sidecar: &Sidecar, archive: &Archive) -> Result<(), ReadError> {
    let same = match (&sidecar.delta, archive.delta()) {
        (None, None) => true,
        (Some(told), Some(found)) => {
            told.base == found.base
                && sidecar.tree == found.tree
                && told.layers.iter().map(|layer| &layer.digest).eq(&found.layers)
        }
        _ => false,
    };
    // The version tells readers that know no deltas.
    let version = sidecar.delta.is_some() == (sidecar.schema_version == DELTA_SCHEMA_VERSION);
    if same && version {
        return Ok(());
    }
    let what = "the archive and its sidecar differ in what the delta needs";
    Err(ReadError::damaged("delta-mismatch", what).at(archive.path()))
}

/// Checks one entry by itself: path, link target, and that a file says what it holds.
pub(crate) fn check_entry<'a>(
    entry: &'a SidecarEntry,
    limits: &Limits,
) -> Result<SafePath<'a>, ReadError> {
    let path = SafePath::judge(entry.path.as_bytes(), limits)?;
    let target = entry.target.as_ref().map(|t| t.as_bytes());
    match (entry.kind, target) {
        (EntryKind::File, None) if entry.size.is_some() && entry.blake3.is_some() => {}
        (EntryKind::Directory, None) => {}
        (EntryKind::Symlink, Some(target)) => check_target(target, limits)?,
        (EntryKind::Hardlink, Some(target)) => {
            SafePath::judge(target, limits)?;
        }
        _ => {
            return Err(ReadError::damaged(
                "sidecar-damaged",
                "an entry lacks what its type needs",
            ));
        }
    }
    Ok(path)
}

/// A symbolic link may lead anywhere, as that of an interpreter in a virtual environment does; it is
/// never followed here.
pub(crate) fn check_target(target: &[u8], limits: &Limits) -> Result<(), ReadError> {
    if target.is_empty() || target.contains(&0) {
        return Err(ReadError::refused(
            "link-target",
            "the target of a symbolic link is malformed",
        ));
    }
    if target.len() > limits.max_target {
        let what = "the target of a symbolic link is too long";
        return Err(ReadError::new(ReadErrorKind::TooLarge, "link-target", what));
    }
    Ok(())
}

/// Compares what the tar stream says of an entry with what the sidecar says.
pub(super) fn matches(entry: &SidecarEntry, found: &TarEntry) -> Result<(), ReadError> {
    let differs = |field: &str, expected: &dyn ToString, found: &dyn ToString| {
        let what = format!("the archive and its sidecar differ in the {field} of an entry");
        Err(ReadError::damaged("entry-mismatch", what)
            .on(entry.path.as_bytes())
            .instead(expected.to_string(), found.to_string()))
    };
    if *found.path != *entry.path.as_bytes() {
        return differs("path", &entry.path.as_bytes().escape_ascii(), &found.path.escape_ascii());
    }
    let target = entry.target.as_ref().map(|t| t.as_bytes());
    let (kind, found_target) = match &found.kind {
        TarKind::File => (EntryKind::File, None),
        TarKind::Directory => (EntryKind::Directory, None),
        TarKind::Symlink { target } => (EntryKind::Symlink, Some(&**target)),
        TarKind::Hardlink { target } => (EntryKind::Hardlink, Some(&**target)),
    };
    if kind != entry.kind {
        return differs("type", &format!("{:?}", entry.kind), &format!("{kind:?}"));
    }
    if found_target != target {
        let text = |t: Option<&[u8]>| t.unwrap_or_default().escape_ascii().to_string();
        return differs("link target", &text(target), &text(found_target));
    }
    if found.mode != entry.mode {
        return differs("mode", &format!("{:04o}", entry.mode), &format!("{:04o}", found.mode));
    }
    if entry.kind == EntryKind::File && Some(found.size) != entry.size {
        return differs("size", &entry.size.unwrap_or(0), &found.size);
    }
    if !same_holes(entry, found) {
        return differs("holes", &holes(entry), &holes_found(found));
    }
    let found_pairs = found.xattrs.iter().map(|x| (&*x.name, &*x.value));
    if !entry.attribute_pairs().eq(found_pairs) {
        let count = |n: usize| format!("{n} attributes");
        return differs("attributes", &count(entry.attributes.len()), &count(found.xattrs.len()));
    }
    if found.header_len != entry.header {
        return differs("header", &entry.header, &found.header_len);
    }
    Ok(())
}

/// Whether both put the same bytes of the file into the stream. A map may end in a range without
/// bytes, which only tells how long the file is.
fn same_holes(entry: &SidecarEntry, found: &TarEntry) -> bool {
    match (&entry.sparse, &found.extents) {
        (None, None) => true,
        (Some(told), Some(found)) => {
            let found = found.iter().filter(|e| e.len > 0).map(|e| (e.offset, e.len));
            told.iter().copied().eq(found)
        }
        _ => false,
    }
}

fn holes(entry: &SidecarEntry) -> String {
    entry.sparse.as_ref().map_or_else(|| "none".to_owned(), |s| format!("{} segments", s.len()))
}

fn holes_found(found: &TarEntry) -> String {
    let n = found.extents.as_ref().map(|e| e.iter().filter(|e| e.len > 0).count());
    n.map_or_else(|| "none".to_owned(), |n| format!("{n} segments"))
}

fn same_frames(sidecar: &Sidecar, archive: &Archive) -> Result<(), ReadError> {
    let frames = archive.frames();
    if sidecar.frames == frames {
        return Ok(());
    }
    let differs = sidecar.frames.iter().zip(frames).position(|(a, b)| a != b);
    let at = differs.unwrap_or_else(|| sidecar.frames.len().min(frames.len()));
    let what = format!(
        "the sidecar has {} frames, the archive's seek table {}, and they differ",
        sidecar.frames.len(),
        frames.len(),
    );
    Err(ReadError::damaged("seek-table-mismatch", what).at(archive.path()).in_frame(at))
}

fn caps(sidecar: &Sidecar, archive: &Archive, limits: &Limits) -> Result<(), ReadError> {
    let too_large = |code, what: String| Err(ReadError::new(ReadErrorKind::TooLarge, code, what));
    let n = sidecar.entries.len() as u64;
    if n > limits.max_entries {
        return too_large("too-many-entries", format!("{n} entries exceed {}", limits.max_entries));
    }
    let sizes = sidecar.entries.iter().filter_map(|e| e.size);
    let bytes = sizes.fold(0, u64::saturating_add);
    if bytes > limits.max_bytes {
        return too_large("too-many-bytes", format!("{bytes} bytes exceed {}", limits.max_bytes));
    }
    let stream = archive.content_len();
    if stream > limits.ratio_from && stream / limits.max_ratio.max(1) > archive.len() {
        let what = format!("{} bytes of archive would become {stream}", archive.len());
        return too_large("ratio-too-high", what);
    }
    Ok(())
}

fn out_of_order(last: Option<&[u8]>, path: &[u8]) -> ReadError {
    if last == Some(path) {
        ReadError::refused("path-duplicate", "a path is there twice")
    } else {
        ReadError::refused("entry-order", "the entries are not in the order of the format")
    }
}

/// The directory in which `path` lies. In the order of the format its directories are those that were
/// entered last.
fn under_directory<'a>(
    ancestors: &mut Vec<(&'a [u8], u32)>,
    path: SafePath<'a>,
) -> Result<Option<u32>, ReadError> {
    let (parent, _) = path.split();
    while ancestors.last().is_some_and(|(last, _)| *last != parent) {
        ancestors.pop();
    }
    match ancestors.last() {
        Some((_, i)) => Ok(Some(*i)),
        None if parent.is_empty() => Ok(None),
        None => {
            let what = "an entry lies in what is no directory of the pellet";
            Err(ReadError::refused("path-parent", what))
        }
    }
}
