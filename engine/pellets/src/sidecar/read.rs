//! Reads a sidecar, its entries by several threads where they stand on lines of their own.
//!
//! What is so read is what reading all of the text at once would give: without its rows the text must be a sidecar with
//! an empty list of entries in their place, and the rows must be entries with commas between them. Where anything
//! is otherwise, all of the text is read at once, and says what is wrong.

use std::io;
use std::num::NonZeroUsize;
use std::path::Path;

use durable_fs::{File, Fs};
use memchr::memmem;
use serde::Deserialize;

use super::form::{DELTA_SCHEMA_VERSION, SCHEMA_VERSION, Sidecar, SidecarEntry, SidecarError};
use crate::lanes;

/// The largest sidecar that is read: some four million entries.
const MAX_LEN: u64 = 1 << 30;

/// A shorter one is read at once.
const MIN_ROWS: u64 = 1 << 20;

/// Bytes of rows that a thread takes at once.
const BATCH: usize = 512 << 10;

/// Threads that read rows; more would wait for the one that collects.
const MAX_THREADS: usize = 4;

/// What the entries begin with, each on a line of its own.
pub(crate) const ENTRIES: &[u8] = b"\"entries\":[\n";

impl Sidecar {
    /// Reads the sidecar from its bytes.
    ///
    /// # Errors
    /// [`SidecarError::Form`] and [`SidecarError::Version`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SidecarError> {
        #[derive(Deserialize)]
        struct Probe {
            schema_version: u32,
        }
        match serde_json::from_slice::<Self>(bytes) {
            Ok(sidecar) if is_known(sidecar.schema_version) => Ok(sidecar),
            Ok(sidecar) => Err(SidecarError::Version(sidecar.schema_version)),
            // What is in another form may be of a version that we do not know.
            Err(error) => match serde_json::from_slice::<Probe>(bytes) {
                Ok(Probe { schema_version }) if !is_known(schema_version) => {
                    Err(SidecarError::Version(schema_version))
                }
                _ => Err(error.into()),
            },
        }
    }

    /// Reads the sidecar at `path`.
    ///
    /// # Errors
    /// Any [`SidecarError`].
    pub fn read(fs: &dyn Fs, path: &Path) -> Result<Self, SidecarError> {
        let (file, len) = open(fs, path)?;
        let failed = |source| SidecarError::Io { path: path.to_owned(), source };
        if len >= MIN_ROWS
            && let Some(sidecar) = by_rows(&*file, len, BATCH).map_err(failed)?
        {
            return Ok(sidecar);
        }
        Self::parse(&read_at(&*file, 0, len).map_err(failed)?)
    }
}

/// Reads the whole file at `path` at once, and parses it.
pub(crate) fn read_as<T>(
    fs: &dyn Fs,
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, SidecarError>,
) -> Result<T, SidecarError> {
    let (file, len) = open(fs, path)?;
    let bytes = read_at(&*file, 0, len);
    parse(&bytes.map_err(|source| SidecarError::Io { path: path.to_owned(), source })?)
}

/// Opens the file at `path`, which must not be larger than any sidecar is, and tells its length.
fn open(fs: &dyn Fs, path: &Path) -> Result<(Box<dyn File>, u64), SidecarError> {
    let failed = |source| SidecarError::Io { path: path.to_owned(), source };
    let file = fs.open_read(path).map_err(failed)?;
    let len = file.len().map_err(failed)?;
    if len > MAX_LEN {
        return Err(SidecarError::TooLarge(path.to_owned()));
    }
    Ok((file, len))
}

fn is_known(version: u32) -> bool {
    matches!(version, SCHEMA_VERSION | DELTA_SCHEMA_VERSION)
}

/// Reads a sidecar whose entries stand on lines of their own; none where that is not so.
fn by_rows(file: &dyn File, len: u64, batch: usize) -> io::Result<Option<Sidecar>> {
    let Some(mut rest) = head(file, len, batch)? else { return Ok(None) };
    let mut text = Text { file, len, at: rest.len() as u64, carry: Vec::new(), ended: false };
    let mut entries = Vec::new();
    let mut sound = true;
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = NonZeroUsize::new(threads.min(MAX_THREADS)).unwrap_or(NonZeroUsize::MIN);
    let take = |made: Option<Vec<SidecarEntry>>| {
        sound &= made.is_some();
        entries.extend(made.into_iter().flatten());
        Ok(())
    };
    lanes::run(threads, || text.rows(batch), |rows| entries_of(&rows), take)?;
    if !(sound && text.ended) {
        return Ok(None);
    }
    // What is behind the rows: the rest of the last batch, and of the file.
    rest.append(&mut text.carry);
    rest.append(&mut read_at(file, text.at, len - text.at)?);
    let Ok(sidecar) = Sidecar::parse(&rest) else { return Ok(None) };
    let alone = sidecar.entries.is_empty();
    Ok(alone.then_some(Sidecar { entries, ..sidecar }))
}

/// The text up to its rows; none where those do not stand in the outermost object.
fn head(file: &dyn File, len: u64, batch: usize) -> io::Result<Option<Vec<u8>>> {
    let mut want = batch as u64;
    loop {
        let mut head = read_at(file, 0, want.min(len))?;
        if let Some(at) = memmem::find(&head, ENTRIES) {
            head.truncate(at + ENTRIES.len());
            return Ok(is_outermost(&head[..at]).then_some(head));
        }
        if want >= len {
            return Ok(None);
        }
        want *= 4;
    }
}

/// Whether what follows `head` stands in the outermost object of a text, and in no string.
fn is_outermost(head: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in head {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => {}
        }
    }
    depth == 1 && !in_string
}

/// The rows of a text as they come.
struct Text<'a> {
    file: &'a dyn File,
    len: u64,
    /// What was read.
    at: u64,
    /// What was read and not given: a row that goes on, at the end whatever is behind the rows.
    carry: Vec<u8>,
    /// Whether all rows were given.
    ended: bool,
}

impl Text<'_> {
    /// Some whole rows; none behind the last, or where the text ends before them.
    fn rows(&mut self, batch: usize) -> io::Result<Option<Rows>> {
        let mut rows = std::mem::take(&mut self.carry);
        while !self.ended {
            let searched = rows.len();
            let left = self.len.saturating_sub(self.at);
            rows.append(&mut read_at(self.file, self.at, left.min(batch as u64))?);
            self.at += (rows.len() - searched) as u64;
            if let Some(end) = end_of_rows(&rows) {
                self.carry = rows.split_off(end);
                self.ended = true;
                return Ok(Some(Rows { text: rows, has_last: true }));
            }
            if rows.len() == searched {
                break;
            }
            if let Some(end) = last_row(&rows) {
                self.carry = rows.split_off(end);
                return Ok(Some(Rows { text: rows, has_last: false }));
            }
        }
        self.carry = rows;
        Ok(None)
    }
}

/// Lines of a text with an entry each.
struct Rows {
    text: Vec<u8>,
    /// Whether the last one of all is among them, behind which stands no comma.
    has_last: bool,
}

/// Where the list of entries ends, in a text that begins with a row.
fn end_of_rows(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"]") { Some(0) } else { memmem::find(text, b"\n]").map(|at| at + 1) }
}

/// Where the last whole row begins, if others are before it: it may be the last of all.
fn last_row(text: &[u8]) -> Option<usize> {
    let end = memchr::memrchr(b'\n', text)?;
    memchr::memrchr(b'\n', &text[..end]).map(|at| at + 1)
}

/// The entries that stand in `rows`; none where anything else does.
fn entries_of(rows: &Rows) -> Option<Vec<SidecarEntry>> {
    let mut entries = Vec::with_capacity(rows.text.len() / 200);
    let mut lines = rows.text.split_inclusive(|b| *b == b'\n').peekable();
    while let Some(line) = lines.next() {
        let line = line.strip_suffix(b"\n")?;
        let row = match rows.has_last && lines.peek().is_none() {
            true => line,
            false => line.strip_suffix(b",")?,
        };
        entries.push(serde_json::from_slice(row).ok()?);
    }
    Some(entries)
}

fn read_at(file: &dyn File, at: u64, len: u64) -> io::Result<Vec<u8>> {
    let len = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let mut bytes = vec![0; len];
    let n = file.read_at(&mut bytes, at)?;
    bytes.truncate(n);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use durable_fs::DiskFs;
    use proptest::prelude::*;

    use super::*;
    use crate::tests::kit::Bench;

    /// A sidecar with entries of all sorts.
    fn text() -> Vec<u8> {
        let bench = Bench::in_memory();
        for n in 0..20 {
            bench.file(format!("d{}/{n}-]\"\\{{", n % 3), b"x");
        }
        bench.file(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\n]"), b"");
        std::fs::read(bench.pack().sidecar).unwrap()
    }

    fn rows_of(text: &[u8], batch: usize) -> Option<Sidecar> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let file = DiskFs.open_read(file.path()).unwrap();
        by_rows(&*file, text.len() as u64, batch).unwrap()
    }

    #[test]
    fn rows_give_what_the_whole_text_gives_in_batches_of_any_length() {
        let text = text();
        let whole = Sidecar::parse(&text).unwrap();
        for batch in [1, 7, 100, 300, 1_000, 5_000, 1 << 20] {
            assert_eq!(rows_of(&text, batch).as_ref(), Some(&whole), "{batch}");
        }
        let empty = Bench::in_memory();
        let text = std::fs::read(empty.pack().sidecar).unwrap();
        assert_eq!(rows_of(&text, 64), Some(Sidecar::parse(&text).unwrap()));
        // Nothing of this stands on lines of its own.
        assert_eq!(rows_of(&serde_json::to_vec(&whole).unwrap(), 64), None);
    }

    #[test]
    fn a_list_that_only_looks_like_that_of_the_entries_is_none() {
        let text = String::from_utf8(text()).unwrap();
        let at = text.find("\"entries\":[\n").unwrap();
        let rows = &text[at..=at + text[at..].find("\n]").unwrap() + 1];
        let rest = text.replacen(rows, "\"entries\":[]", 1);
        for hidden in [
            format!("\"inner\":{{{rows}}},"),
            format!("\"\\{rows},"),
            format!("\"deep\":[[{{{rows}}}]],"),
        ] {
            let odd = rest.replacen('{', &format!("{{{hidden}"), 1);
            assert!(Sidecar::parse(odd.as_bytes()).unwrap().entries.is_empty(), "{odd}");
            assert_eq!(rows_of(odd.as_bytes(), 100), None, "{odd}");
        }
        let twice = text.replacen('{', &format!("{{{rows},"), 1);
        assert!(Sidecar::parse(twice.as_bytes()).is_err());
        assert_eq!(rows_of(twice.as_bytes(), 100), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_rows_give_is_what_the_whole_text_gives_whatever_was_done_to_it(
            edits in prop::collection::vec(
                (any::<prop::sample::Index>(), "[]\\[{}\",\\\\\n:0-]{0,2}", 0..3_usize),
                1..4,
            ),
            batch in 1..2_000_usize,
        ) {
            static TEXT: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(text);
            let mut text = TEXT.clone();
            for (at, put, n_taken) in edits {
                let at = at.index(text.len());
                let end = text.len().min(at + n_taken);
                text.splice(at..end, put.into_bytes());
            }
            if let Some(found) = rows_of(&text, batch) {
                prop_assert_eq!(Some(found), Sidecar::parse(&text).ok());
            }
        }
    }
}
