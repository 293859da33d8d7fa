//! Names of long texts that stay the same from one release to the next: FNV-1a of 128 bits.

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// A fingerprint in the making.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fingerprint(u128);

impl Fingerprint {
    pub(crate) const fn new() -> Self {
        Self(OFFSET)
    }

    /// Adds a part; parts are told apart by a byte that no text of ours holds.
    pub(crate) fn add(&mut self, part: &[u8]) {
        for byte in part.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }

    pub(crate) const fn finish(self) -> u128 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_function() {
        // "" and "a" of the published tables, before the mark of a part's end.
        assert_eq!(Fingerprint::new().finish(), OFFSET);
        let a = (OFFSET ^ u128::from(b'a')).wrapping_mul(PRIME);
        assert_eq!(a, 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
