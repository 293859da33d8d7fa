//! One header block: its fields, and its numbers read strictly.

use super::error::TarOdd;
use super::sparse::Extent;

/// The unit of a tar stream in bytes.
pub(super) const LEN: usize = 512;

/// The rules by which a header is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// No magic: a name of at most 100 bytes.
    V7,
    /// A prefix before the name.
    Ustar,
    /// Times and sparse maps where ustar has its prefix.
    Gnu,
}

/// A header block.
#[derive(Debug)]
pub(super) struct Block([u8; LEN]);

/// Where sparse slots begin in a GNU header, how many there are, and where "more follow" stands.
const SLOTS: (usize, usize, usize) = (386, 4, 482);
/// The same in a block of further slots.
const MORE_SLOTS: (usize, usize, usize) = (0, 21, 504);
const SLOT_LEN: usize = 24;

impl Block {
    pub(super) fn new(bytes: [u8; LEN]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|b| *b == 0)
    }

    /// Checks what every header must have, also what we do not use: a number that one tar takes for
    /// zero ends the archive for another.
    pub(super) fn check(&self) -> Result<Dialect, TarOdd> {
        let sum: u64 = self.0.iter().map(|b| u64::from(*b)).sum();
        let field: u64 = self.0[148..156].iter().map(|b| u64::from(*b)).sum();
        let stated = octal(&self.0[148..156]).ok_or(TarOdd::Checksum)?;
        if sum - field + 8 * u64::from(b' ') != stated {
            return Err(TarOdd::Checksum);
        }
        let dialect = match &self.0[257..265] {
            b"ustar\x0000" => Dialect::Ustar,
            b"ustar  \0" => Dialect::Gnu,
            [0, 0, 0, 0, 0, 0, 0, 0] => Dialect::V7,
            _ => return Err(TarOdd::Dialect),
        };
        for numbers in [100..108, 108..116, 116..124, 136..148, 329..337, 337..345] {
            let field = &self.0[numbers];
            if number(field).is_none() && !is_blank(field) {
                return Err(TarOdd::Number);
            }
        }
        // star keeps times where ustar has the end of its prefix, and Python takes GNU's times there
        // for a prefix.
        let has_times = dialect != Dialect::Ustar && self.type_flag() != b'S' && self.0[345] != 0;
        if has_times || &self.0[508..512] == b"tar\0" {
            return Err(TarOdd::Dialect);
        }
        Ok(dialect)
    }

    pub(super) fn type_flag(&self) -> u8 {
        self.0[156]
    }

    pub(super) fn size(&self) -> Result<u64, TarOdd> {
        let size = number(&self.0[124..136]).ok_or(TarOdd::Number)?;
        u64::try_from(size).map_err(|_| TarOdd::Number)
    }

    /// Permission bits; old writers put the type of the file above them.
    pub(super) fn mode(&self) -> u32 {
        let mode = number(&self.0[100..108]).unwrap_or(0);
        u32::try_from(mode & 0o7777).unwrap_or(0)
    }

    /// Seconds since the Unix epoch.
    pub(super) fn mtime(&self) -> i64 {
        number(&self.0[136..148]).unwrap_or(0)
    }

    pub(super) fn name(&self, dialect: Dialect) -> Vec<u8> {
        let name = text(&self.0[..100]);
        let prefix = text(&self.0[345..500]);
        match dialect {
            Dialect::Ustar if !prefix.is_empty() => [prefix, b"/", name].concat(),
            _ => name.to_vec(),
        }
    }

    /// The name field alone, as readers see it that decide on it before they know the long name.
    pub(super) fn short_name(&self) -> &[u8] {
        text(&self.0[..100])
    }

    pub(super) fn link(&self) -> &[u8] {
        text(&self.0[157..257])
    }

    /// The size of a sparse file with its holes.
    pub(super) fn real_size(&self) -> Result<u64, TarOdd> {
        octal(&self.0[483..495]).ok_or(TarOdd::Sparse)
    }

    /// Takes the sparse slots of a GNU header, or of a block of further slots; true where another
    /// such block follows.
    pub(super) fn slots(&self, more: bool, out: &mut Vec<Extent>) -> Result<bool, TarOdd> {
        let (start, n_slots, follows) = if more { MORE_SLOTS } else { SLOTS };
        let slots = self.0[start..start + n_slots * SLOT_LEN].chunks_exact(SLOT_LEN);
        let mut n_used = 0;
        for slot in slots.take_while(|slot| slot[12] != 0) {
            let offset = octal(&slot[..12]).ok_or(TarOdd::Sparse)?;
            let len = octal(&slot[12..]).ok_or(TarOdd::Sparse)?;
            out.push(Extent { offset, len });
            n_used += 1;
        }
        match self.0[follows] {
            0 => Ok(false),
            1 if n_used == n_slots => Ok(true),
            _ => Err(TarOdd::Sparse),
        }
    }
}

/// The bytes up to the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|b| *b == 0).next().unwrap_or(field)
}

fn is_blank(field: &[u8]) -> bool {
    field.iter().all(|b| matches!(b, b' ' | 0))
}

/// Octal digits, or the two's complement form for what these cannot hold.
fn number(field: &[u8]) -> Option<i64> {
    let (first, rest) = field.split_first()?;
    let sign = match first {
        0x80 => 0,
        0xff => -1,
        _ => return octal(field).and_then(|n| i64::try_from(n).ok()),
    };
    rest.iter().try_fold(sign, |n: i64, b| n.checked_mul(256)?.checked_add(i64::from(*b)))
}

/// Octal digits after spaces, ended by spaces and NULs or by the end of the field.
fn octal(field: &[u8]) -> Option<u64> {
    let start = field.iter().position(|b| *b != b' ')?;
    let field = &field[start..];
    let n_digits = field.iter().take_while(|b| matches!(b, b'0'..=b'7')).count();
    let (digits, rest) = field.split_at(n_digits);
    if digits.is_empty() || !is_blank(rest) {
        return None;
    }
    digits.iter().try_fold(0, |n: u64, b| n.checked_mul(8)?.checked_add(u64::from(*b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_twos_complement_and_nothing_else() {
        let cases: [(&[u8], Option<i64>); 12] = [
            (b"0000755\0", Some(0o755)),
            (b"   755 \0", Some(0o755)),
            (b"00000755", Some(0o755)),
            (b"\x80\0\0\0\0\0\x01\x02", Some(258)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"\xff\xff\xff\xff\xff\xff\xff\x00", Some(-256)),
            (b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\x81\0\0\0\0\0\0\x01", None),
            (b"0000785\0", None),
            (b"755 1\0\0\0", None),
            (b"-000755\0", None),
            (b"        ", None),
        ];
        for (field, want) in cases {
            assert_eq!(number(field), want, "{field:?}");
        }
    }
}
