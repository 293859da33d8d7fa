//! Maps of sparse files: which ranges of a file have bytes in the stream.

use super::error::TarOdd;

/// The most ranges of one file: with 16 bytes each, what one map may take.
const MAX_EXTENTS: usize = 1 << 20;

/// The unit in which GNU tar reads each range.
const UNIT: u64 = 512;

/// A range of a file whose bytes stand in the stream; the rest of the file is zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Of its first byte in the file.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
}

/// Checks a map against the size of the file and the bytes in the stream.
///
/// GNU tar begins each range at a block of its own where others read on without a gap, so only the
/// last range with bytes may end inside a block.
pub(super) fn check(extents: &[Extent], size: u64, stored: u64) -> Result<(), TarOdd> {
    let mut end = 0;
    let mut sum = 0u64;
    for extent in extents {
        if extent.offset < end || (extent.len > 0 && !sum.is_multiple_of(UNIT)) {
            return Err(TarOdd::Sparse);
        }
        end = extent.offset.checked_add(extent.len).ok_or(TarOdd::Sparse)?;
        sum += extent.len;
    }
    if end > size || sum != stored { Err(TarOdd::Sparse) } else { Ok(()) }
}

/// A map as pairs of decimal numbers, as GNU's PAX form 0.1 has it: `offset,len,offset,len`.
pub(super) fn from_list(list: &[u8]) -> Result<Vec<Extent>, TarOdd> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let mut numbers = list.split(|b| *b == b',').map(|n| decimal(n).ok_or(TarOdd::Sparse));
    let mut extents = Vec::new();
    while let Some(offset) = numbers.next() {
        extents.push(Extent { offset: offset?, len: numbers.next().ok_or(TarOdd::Sparse)?? });
        if extents.len() > MAX_EXTENTS {
            return Err(TarOdd::Sparse);
        }
    }
    Ok(extents)
}

/// Collects the map of GNU's PAX form 1.0, which stands before the content in lines of one decimal
/// number: how many ranges, then offset and length of each; padded with NULs to a whole block.
#[derive(Debug, Default)]
pub(super) struct Lines {
    announced: Option<usize>,
    numbers: Vec<u64>,
    line: Vec<u8>,
}

impl Lines {
    /// Takes a block; true once the map is complete.
    pub(super) fn push(&mut self, block: &[u8]) -> Result<bool, TarOdd> {
        let mut bytes = block.iter();
        while !self.complete() {
            match bytes.next() {
                None => return Ok(false),
                Some(b'\n') => self.end_line()?,
                Some(b) if self.line.len() < 20 => self.line.push(*b),
                Some(_) => return Err(TarOdd::Sparse),
            }
        }
        if bytes.all(|b| *b == 0) { Ok(true) } else { Err(TarOdd::Sparse) }
    }

    pub(super) fn extents(&self) -> Vec<Extent> {
        self.numbers.chunks_exact(2).map(|n| Extent { offset: n[0], len: n[1] }).collect()
    }

    fn complete(&self) -> bool {
        self.announced.is_some_and(|n| self.numbers.len() == 2 * n)
    }

    fn end_line(&mut self) -> Result<(), TarOdd> {
        let number = decimal(&self.line).ok_or(TarOdd::Sparse)?;
        self.line.clear();
        if self.announced.is_some() {
            self.numbers.push(number);
        } else {
            let n = usize::try_from(number).ok().filter(|n| *n <= MAX_EXTENTS);
            self.announced = Some(n.ok_or(TarOdd::Sparse)?);
        }
        Ok(())
    }
}

/// A decimal number without sign, spaces or leading zeros.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    match text {
        [] | [b'0', _, ..] => None,
        _ => text.iter().try_fold(0, |n: u64, b| {
            let digit = b.is_ascii_digit().then(|| u64::from(b - b'0'))?;
            n.checked_mul(10)?.checked_add(digit)
        }),
    }
}
