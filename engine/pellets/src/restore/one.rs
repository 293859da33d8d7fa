//! Brings back one file or symbolic link, decoded from the frame it begins in.

use super::builder::{Builder, FileSpec};
use crate::read::{
    Layers, Limits, ReadError, ReadErrorKind, SafePath, Span, TarEntry, TarKind, TarReader,
    check_entry, read_header,
};
use crate::sidecar::SidecarEntry;

/// Creates the file or symbolic link of `entry` at `path`; gives what its header says.
pub(super) fn bring(
    layers: &Layers,
    limits: &Limits,
    builder: &mut Builder<'_>,
    entry: &SidecarEntry,
    path: SafePath<'_>,
) -> Result<TarEntry, ReadError> {
    check_entry(entry, limits).map_err(|e| e.on(entry.path.as_bytes()))?;
    if let Some(size) = entry.size.filter(|size| *size > limits.max_bytes) {
        let what = format!("{size} bytes exceed {}", limits.max_bytes);
        let error = ReadError::new(ReadErrorKind::TooLarge, "too-many-bytes", what);
        return Err(error.on(entry.path.as_bytes()));
    }
    let archive = layers.get(entry.layer)?;
    let frame = usize::try_from(entry.frame).unwrap_or(usize::MAX);
    let mut reader = TarReader::new(Span::at(archive, frame, entry.offset)?);
    // Its length is not known without the next entry; header and digest say enough about one file.
    let found = read_header(&mut reader, entry, None).map_err(|e| e.in_frame(frame))?;
    match &found.kind {
        TarKind::File => {
            let spec = FileSpec::of(path, entry, &found);
            builder.file_from(&spec, &mut reader).map_err(|e| e.in_frame(frame))?;
        }
        TarKind::Symlink { target } => builder.symlink(path, target, entry.mtime_ns)?,
        TarKind::Directory | TarKind::Hardlink { .. } => {
            return Err(ReadError::damaged("entry-mismatch", "the entry is no file"));
        }
    }
    Ok(found)
}
