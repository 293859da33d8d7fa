//! Iterators over the repeated fields of a message, and the small readers views are made of.

use std::marker::PhantomData;

use crate::wire::{Fields, Value, read_fixed64, read_varint};

/// Something that reads one message.
pub trait View<'a>: Sized {
    /// Reads the scalar fields of `message`.
    fn over(message: &'a [u8]) -> Self;
}

impl<'a> View<'a> for &'a [u8] {
    fn over(message: &'a [u8]) -> Self {
        message
    }
}

/// The messages standing in one repeated field.
#[derive(Debug, Clone, Copy, Default)]
pub struct Messages<'a, V> {
    fields: Fields<'a>,
    number: u32,
    view: PhantomData<fn() -> V>,
}

impl<'a, V> Messages<'a, V> {
    pub(crate) fn of(message: &'a [u8], number: u32) -> Self {
        Self { fields: Fields::over(message), number, view: PhantomData }
    }

    /// The same messages as raw bytes, in the same order.
    pub fn raw(self) -> Messages<'a, &'a [u8]> {
        Messages { fields: self.fields, number: self.number, view: PhantomData }
    }
}

impl<'a, V: View<'a>> Iterator for Messages<'a, V> {
    type Item = V;

    fn next(&mut self) -> Option<V> {
        self.fields.find_map(|field| match field {
            (number, Value::Len(bytes)) if number == self.number => Some(V::over(bytes)),
            _ => None,
        })
    }
}

/// How a packed scalar reads.
pub trait Scalar {
    /// What it reads as.
    type Item;
    /// Takes one off a packed chunk.
    fn take(chunk: &mut &[u8]) -> Option<Self::Item>;
    /// Reads one that stands alone.
    fn alone(value: Value<'_>) -> Option<Self::Item>;
}

/// The scalars of one repeated field, packed or not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scalars<'a, S> {
    fields: Fields<'a>,
    number: u32,
    chunk: &'a [u8],
    scalar: PhantomData<fn() -> S>,
}

impl<'a, S> Scalars<'a, S> {
    pub(crate) fn of(message: &'a [u8], number: u32) -> Self {
        Self { fields: Fields::over(message), number, chunk: &[], scalar: PhantomData }
    }
}

impl<S: Scalar> Iterator for Scalars<'_, S> {
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        loop {
            if !self.chunk.is_empty() {
                let item = S::take(&mut self.chunk);
                if item.is_none() {
                    self.chunk = &[];
                }
                return item;
            }
            match self.fields.find(|(number, _)| *number == self.number)?.1 {
                Value::Len(chunk) => self.chunk = chunk,
                value => return S::alone(value),
            }
        }
    }
}

/// Marks `fixed64` scalars.
#[derive(Debug, Clone, Copy)]
pub enum Fixed64 {}
/// Marks `double` scalars.
#[derive(Debug, Clone, Copy)]
pub enum Double {}
/// Marks `uint64` scalars.
#[derive(Debug, Clone, Copy)]
pub enum Varint {}

/// Repeated `fixed64`.
pub type Fixed64s<'a> = Scalars<'a, Fixed64>;
/// Repeated `double`.
pub type Doubles<'a> = Scalars<'a, Double>;
/// Repeated `uint64`.
pub type Varints<'a> = Scalars<'a, Varint>;

impl Scalar for Fixed64 {
    type Item = u64;

    fn take(chunk: &mut &[u8]) -> Option<u64> {
        read_fixed64(chunk)
    }

    fn alone(value: Value<'_>) -> Option<u64> {
        match value {
            Value::Fixed64(bits) => Some(bits),
            _ => None,
        }
    }
}

impl Scalar for Double {
    type Item = f64;

    fn take(chunk: &mut &[u8]) -> Option<f64> {
        read_fixed64(chunk).map(f64::from_bits)
    }

    fn alone(value: Value<'_>) -> Option<f64> {
        Fixed64::alone(value).map(f64::from_bits)
    }
}

impl Scalar for Varint {
    type Item = u64;

    fn take(chunk: &mut &[u8]) -> Option<u64> {
        read_varint(chunk)
    }

    fn alone(value: Value<'_>) -> Option<u64> {
        match value {
            Value::Varint(bits) => Some(bits),
            _ => None,
        }
    }
}

/// Text of a proven request; anything else reads as empty.
pub(super) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The low 32 bits of a varint, as protobuf reads `uint32`.
#[expect(clippy::cast_possible_truncation, reason = "protobuf drops the upper half")]
pub(super) fn low32(bits: u64) -> u32 {
    bits as u32
}

/// The low 32 bits of a varint, as protobuf reads `int32` and enumerations.
pub(super) fn int32(bits: u64) -> i32 {
    low32(bits).cast_signed()
}

/// A zig-zag varint, as protobuf reads `sint32`.
pub(super) fn zigzag32(bits: u64) -> i32 {
    let bits = low32(bits);
    (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()
}
