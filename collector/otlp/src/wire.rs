//! Protobuf's wire format: reading tags, varints and lengths out of bytes, and writing them.
//!
//! *Invariants*
//! 1. No function panics or allocates on any input; damage ends an iteration or gives `None`.

/// One field's value as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2: strings, bytes, messages, packed scalars.
    Len(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

/// The fields of one message in wire order; groups are skipped, damage ends the iteration.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Iterates over the fields of `message`.
    pub fn over(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The bytes not yet read; subtract lengths to learn where a field stands.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn read(&mut self) -> Option<(u32, Value<'a>)> {
        loop {
            let (number, wire_type) = read_tag(&mut self.rest)?;
            let value = match wire_type {
                0 => Value::Varint(read_varint(&mut self.rest)?),
                1 => Value::Fixed64(read_fixed64(&mut self.rest)?),
                2 => Value::Len(read_len(&mut self.rest)?),
                5 => Value::Fixed32(read_fixed32(&mut self.rest)?),
                3 => {
                    skip(&mut self.rest, number, wire_type)?;
                    continue;
                }
                _ => return None,
            };
            return Some((number, value));
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.read();
        if field.is_none() {
            self.rest = &[];
        }
        field
    }
}

/// Reads a tag; `None` for damage, field number 0 or one beyond protobuf's 29 bits.
#[inline]
pub fn read_tag(rest: &mut &[u8]) -> Option<(u32, u8)> {
    let key = u32::try_from(read_varint(rest)?).ok()?;
    let number = key >> 3;
    (number != 0).then_some((number, key.to_le_bytes()[0] & 7))
}

/// Reads a varint of at most ten bytes.
#[inline]
pub fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    match rest.split_first() {
        Some((&byte, tail)) if byte < 0x80 => {
            *rest = tail;
            Some(u64::from(byte))
        }
        _ => {
            let (value, tail) = long_varint(rest)?;
            *rest = tail;
            Some(value)
        }
    }
}

/// By value, so that the caller's `rest` stays in registers.
fn long_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (i, &byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            // The tenth byte holds the one bit that is left of sixty-four.
            let fits = i < 9 || byte <= 1;
            return fits.then(|| (value, &bytes[i + 1..]));
        }
    }
    None
}

/// Reads a length and that many bytes.
#[inline]
pub fn read_len<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let n = usize::try_from(read_varint(rest)?).ok()?;
    let (bytes, tail) = rest.split_at_checked(n)?;
    *rest = tail;
    Some(bytes)
}

/// Reads eight little-endian bytes.
pub fn read_fixed64(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(u64::from_le_bytes(*bytes))
}

/// Reads four little-endian bytes.
pub fn read_fixed32(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(u32::from_le_bytes(*bytes))
}

/// Skips the value of a field whose tag was just read, groups and all.
#[inline]
pub fn skip(rest: &mut &[u8], number: u32, wire_type: u8) -> Option<()> {
    *rest = match wire_type {
        0 => {
            read_varint(rest)?;
            return Some(());
        }
        1 => rest.split_at_checked(8)?.1,
        2 => {
            read_len(rest)?;
            return Some(());
        }
        3 => after_group(rest, number, 0)?,
        5 => rest.split_at_checked(4)?.1,
        _ => return None,
    };
    Some(())
}

/// What stands behind the end of `group`, which stands inside `n_outer` others.
fn after_group(mut rest: &[u8], group: u32, n_outer: usize) -> Option<&[u8]> {
    const MAX_GROUPS: usize = 64;
    if n_outer >= MAX_GROUPS {
        return None;
    }
    loop {
        let (number, wire_type) = read_tag(&mut rest)?;
        match wire_type {
            3 => rest = after_group(rest, number, n_outer + 1)?,
            4 => return (number == group).then_some(rest),
            _ => skip(&mut rest, number, wire_type)?,
        }
    }
}

/// Appends a varint.
pub fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a tag.
pub fn write_tag(out: &mut Vec<u8>, number: u32, wire_type: u8) {
    write_varint(out, u64::from(number << 3 | u32::from(wire_type)));
}

/// Appends a length-delimited field.
pub fn write_len(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    write_tag(out, number, 2);
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Bytes a varint of `value` takes.
pub fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}
