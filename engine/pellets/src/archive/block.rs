//! The unit of a tar stream: whatever stands in it fills whole blocks.

/// Its length in bytes.
pub(super) const BLOCK: u64 = 512;

/// Fills up with zeros to a whole number of blocks behind `start`.
pub(super) fn pad(start: u64, out: &mut Vec<u8>) {
    let len = (out.len() as u64 - start).next_multiple_of(BLOCK);
    while (out.len() as u64) < start + len {
        out.push(0);
    }
}
