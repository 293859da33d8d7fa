//! Whether text is ASCII.
//!
//! Text in telemetry is short, and of any length: a branch for each word, as for long text, is one that no
//! processor foresees.

/// Whether all of `bytes` is ASCII.
#[inline]
pub(super) fn is_ascii(bytes: &[u8]) -> bool {
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let Some(last) = bytes.last_chunk() else { return is_short_ascii(bytes) };
    // The last word overlaps the one before it.
    let (words, _) = bytes.as_chunks();
    let all = words.iter().fold(u64::from_ne_bytes(*last), |all, w| all | u64::from_ne_bytes(*w));
    all & HIGH == 0
}

/// The same of less than a word.
#[inline]
fn is_short_ascii(bytes: &[u8]) -> bool {
    const HIGH: u32 = u32::from_ne_bytes([0x80; 4]);
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (u32::from_ne_bytes(*first) | u32::from_ne_bytes(*last)) & HIGH == 0;
    }
    bytes.iter().fold(0, |all, byte| all | byte) < 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_every_length_counts() {
        for len in 0..100 {
            let mut text = vec![0x7f; len];
            assert!(is_ascii(&text), "{len}");
            for at in 0..len {
                text[at] = 0x80;
                assert!(!is_ascii(&text), "{at} of {len}");
                text[at] = 0;
            }
        }
    }
}
