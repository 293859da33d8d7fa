//! Writes a sidecar, its entries while they are made.

use std::io::{self, Write};
use std::num::NonZeroUsize;

use durable_fs::File;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::form::{Sidecar, SidecarEntry};
use crate::lanes;

/// Entries that a thread turns into text at once.
const BATCH: usize = 2048;

/// Entries that are made only when they are written.
pub(crate) trait Rows: Sync {
    fn len(&self) -> usize;
    /// The entry at this position.
    fn row(&self, at: usize) -> SidecarEntry;
}

/// Stands for entries that are written otherwise: an empty list, or one with a single `null`, which
/// [`Lines`] replaces by all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Later {
    None,
    Some,
}

impl Serialize for Later {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        if *self == Self::Some {
            seq.serialize_element(&())?;
        }
        seq.end()
    }
}

impl Sidecar<Later> {
    /// Writes the sidecar with `rows` for its entries to `file`; `threads` turn them into text.
    pub(crate) fn write(
        &self,
        rows: &dyn Rows,
        threads: NonZeroUsize,
        file: &mut dyn File,
    ) -> io::Result<()> {
        let mut out = io::BufWriter::with_capacity(1 << 20, Sink(file));
        let mut put = |out: &mut dyn Write| put(rows, threads, out);
        encode(self, &mut put, &mut out)?;
        out.flush()
    }
}

impl Sidecar {
    /// Writes the sidecar as JSON, each element of its lists on a line of its own.
    #[cfg(test)]
    pub(crate) fn encode(&self, out: &mut dyn Write) -> io::Result<()> {
        encode(self, &mut |_| Ok(()), out)
    }
}

fn encode<E: Serialize>(
    sidecar: &Sidecar<E>,
    rows: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut lines = serde_json::Serializer::with_formatter(&mut *out, Lines { depth: 0, rows });
    sidecar.serialize(&mut lines)?;
    out.write_all(b"\n")
}

/// Writes all rows, a line for each.
fn put(rows: &dyn Rows, threads: NonZeroUsize, out: &mut dyn Write) -> io::Result<()> {
    let n = rows.len();
    let mut batches = (0..n).step_by(BATCH).map(|from| from..n.min(from + BATCH));
    let make = |batch: std::ops::Range<usize>| {
        let mut text = Vec::with_capacity(batch.len() * 256);
        for at in batch {
            if at > 0 {
                text.extend_from_slice(b",\n");
            }
            serde_json::to_writer(&mut text, &rows.row(at))?;
        }
        Ok(text)
    };
    let take = |text: io::Result<Vec<u8>>| out.write_all(&text?);
    lanes::run(threads, || Ok(batches.next()), make, take)
}

/// The form of a sidecar: a line break before each element of a list that stands in the outermost object,
/// and behind the last one.
struct Lines<'a> {
    /// Objects and lists that are open.
    depth: usize,
    /// Writes what stands in the place of a `null`; a sidecar has no other.
    rows: &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
}

impl serde_json::ser::Formatter for Lines<'_> {
    fn write_null<W: ?Sized + Write>(&mut self, mut out: &mut W) -> io::Result<()> {
        (self.rows)(&mut out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        out.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        out.write_all(b"}")
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        out.write_all(b"[")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(match (self.depth, first) {
            (2, true) => b"\n",
            (2, false) => b",\n",
            (_, true) => b"",
            (_, false) => b",",
        })
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(if self.depth == 2 { b"\n]" } else { b"]" })?;
        self.depth -= 1;
        Ok(())
    }
}

/// [`io::Write`] onto a [`File`].
struct Sink<'a>(&'a mut dyn File);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
