//! What an entry's bytes must be: the header that the sidecar tells of, and zeros where a file has holes.

use std::io::Read;

use super::error::ReadError;
use super::index::matches;
use super::tar::{TarEntry, TarReader};
use crate::sidecar::SidecarEntry;

/// The header of `entry`, which must say what the sidecar says and, where `len` is known, fill its
/// place exactly.
pub(crate) fn read_header<R: Read>(
    reader: &mut TarReader<R>,
    entry: &SidecarEntry,
    len: Option<u64>,
) -> Result<TarEntry, ReadError> {
    // The sidecar tells what stands here: what is odd was not packed so.
    let odd = |e| ReadError::from(e).into_damage().on(entry.path.as_bytes());
    let found = reader.next_entry().map_err(odd)?;
    let found = found.ok_or_else(|| {
        let what = "the archive ends where the sidecar has an entry";
        ReadError::damaged("entry-mismatch", what).on(entry.path.as_bytes())
    })?;
    matches(entry, &found)?;
    let fills = found.header_len.saturating_add(found.stored).div_ceil(512).saturating_mul(512);
    if let Some(len) = len.filter(|len| *len != fills) {
        let what = format!("an entry takes {fills} bytes of the tar stream instead of {len}");
        return Err(ReadError::damaged("entry-mismatch", what).on(entry.path.as_bytes()));
    }
    Ok(found)
}

/// Who waited for a digest does not want it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped;

impl From<Stopped> for ReadError {
    fn from(Stopped: Stopped) -> Self {
        Self::cancelled()
    }
}

/// Hashes `n` zeros, until `stopped` says so: a hole of terabytes takes a few bytes of an archive.
pub(crate) fn hash_zeros(
    hasher: &mut blake3::Hasher,
    mut n: u64,
    stopped: impl Fn() -> bool,
) -> Result<(), Stopped> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    while n > 0 {
        if stopped() {
            return Err(Stopped);
        }
        let part = usize::try_from(n).unwrap_or(ZEROS.len()).min(ZEROS.len());
        hasher.update(&ZEROS[..part]);
        n -= part as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn an_odd_header_of_ours_is_damage() {
        let bench = crate::tests::kit::Bench::new();
        bench.file("file", b"content");
        let packed = bench.pack();
        let sidecar = crate::Sidecar::read(&durable_fs::DiskFs, &packed.sidecar).unwrap();
        let mut reader = TarReader::new(&[1; 1024][..]);
        let error = read_header(&mut reader, &sidecar.entries[0], None).unwrap_err();
        let damaged = crate::ReadErrorKind::Damaged;
        assert_eq!((error.code(), error.kind()), ("tar-checksum", damaged));
    }

    #[test]
    fn nobody_waits_for_the_digest_of_an_endless_hole() {
        let asked = Cell::new(0);
        let stopped = || asked.replace(asked.get() + 1) == 3;
        let mut hasher = blake3::Hasher::new();
        assert_eq!(hash_zeros(&mut hasher, u64::MAX, stopped), Err(Stopped));
        assert_eq!(hasher.count(), 3 * (64 << 10));
        let mut whole = blake3::Hasher::new();
        assert_eq!(hash_zeros(&mut whole, 100_000, || false), Ok(()));
        assert_eq!(whole.finalize(), blake3::hash(&[0; 100_000]));
    }
}
