//! Proves the shape of a request by one walk over tags and lengths, without decoding it.
//!
//! *Invariants* of a request that passed
//! 1. Every known field has its wire type, every length fits, every string is UTF-8, every id is whole or absent.
//! 2. A field that may stand once stands at most once, and so does a `oneof`: protobuf readers disagree on
//!    repeated ones (last wins, or merge), and what we judge must be what the next reader sees.
//! 3. Nesting, `AnyValue` depth, items and attributes lie within the limits.
//!
//! *Not here*: meaning. A span without a trace id or with an end before its start passes; policies judge that.
//! Unknown fields pass, as protobuf demands.

use crate::schema::{self, Field, Kind, Label, Message};
use crate::wire::{read_len, read_tag, read_varint, skip};
use crate::{Limits, Malformed, Signal};

/// What the walk learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// Spans, data points or log records.
    pub n_items: u32,
    /// Deepest nesting met, the request itself being 1.
    pub depth: usize,
}

/// Walks `payload`, the protobuf of the signal's export request.
pub fn check(signal: Signal, payload: &[u8], limits: &Limits) -> Result<Shape, Malformed> {
    let mut walk = Walk { len: payload.len(), limits, shape: Shape::default() };
    walk.message(
        schema::request(signal),
        payload,
        payload.len(),
        Depth { messages: 1, any_values: 0 },
    )?;
    Ok(walk.shape)
}

struct Walk<'a> {
    len: usize,
    limits: &'a Limits,
    shape: Shape,
}

#[derive(Clone, Copy)]
struct Depth {
    messages: usize,
    any_values: usize,
}

/// The bit that stands for "a member of the oneof was seen"; field number 0 does not exist.
const ONE_OF_SEEN: u32 = 1;

impl Walk<'_> {
    /// `until_end` is the distance from the start of `bytes` to the end of the payload; it yields offsets.
    fn message(
        &mut self,
        message: &'static Message,
        bytes: &[u8],
        until_end: usize,
        depth: Depth,
    ) -> Result<(), Malformed> {
        let start = self.len - until_end;
        let at = |rest: &[u8]| start + (bytes.len() - rest.len());
        let depth = self.enter(message, start, depth)?;
        let (mut seen, mut n_attributes) = (0_u32, 0_u32);
        let mut rest = bytes;
        while !rest.is_empty() {
            let tag_at = rest;
            let (number, wire_type) =
                read_tag(&mut rest).ok_or_else(|| Malformed::new(at(tag_at), "broken tag"))?;
            let Some(field) = message.field(number) else {
                skip(&mut rest, number, wire_type)
                    .ok_or_else(|| Malformed::new(at(tag_at), "broken unknown field"))?;
                continue;
            };
            match field.label {
                Label::One => mark(&mut seen, 1 << number),
                Label::OneOf => mark(&mut seen, ONE_OF_SEEN),
                Label::Many => Some(()),
                Label::Attributes => {
                    n_attributes += 1;
                    (n_attributes <= self.limits.max_attributes).then_some(())
                }
            }
            .ok_or_else(|| too_often(at(tag_at), message, field))?;
            if wire_type != 2 {
                scalar(&mut rest, field, wire_type)
                    .ok_or_else(|| broken(at(tag_at), message, field))?;
                continue;
            }
            let value = read_len(&mut rest).ok_or_else(|| broken(at(tag_at), message, field))?;
            match field.kind {
                Kind::Message(inner) => {
                    let until_end = self.len - at(rest) + value.len();
                    self.message(inner, value, until_end, depth)?;
                }
                _ => delimited(field, value).ok_or_else(|| broken(at(tag_at), message, field))?,
            }
        }
        Ok(())
    }

    fn enter(&mut self, message: &Message, at: usize, depth: Depth) -> Result<Depth, Malformed> {
        let any_values = depth.any_values + usize::from(message.is_any_value);
        if depth.messages > self.limits.max_nesting {
            return Err(Malformed::new(at, "messages nested too deeply"));
        }
        if any_values > self.limits.max_any_value_depth {
            return Err(Malformed::new(at, "attribute values nested too deeply"));
        }
        self.shape.depth = self.shape.depth.max(depth.messages);
        if message.is_item {
            self.shape.n_items += 1;
            if self.shape.n_items > self.limits.max_items {
                return Err(Malformed::new(at, "too many items in one request"));
            }
        }
        Ok(Depth { messages: depth.messages + 1, any_values })
    }
}

#[inline]
fn mark(seen: &mut u32, bit: u32) -> Option<()> {
    let first = *seen & bit == 0;
    *seen |= bit;
    first.then_some(())
}

/// A known field that is not length-delimited.
#[inline]
fn scalar(rest: &mut &[u8], field: &Field, wire_type: u8) -> Option<()> {
    if wire_type != field.kind.wire_type() {
        return None;
    }
    skip(rest, field.number, wire_type)
}

/// A known length-delimited field that is not a message: text, bytes, an id, or packed scalars.
fn delimited(field: &Field, value: &[u8]) -> Option<()> {
    let whole = match field.kind {
        Kind::Str => std::str::from_utf8(value).is_ok(),
        Kind::Bytes => true,
        Kind::Id(n) => value.is_empty() || value.len() == n,
        _ if field.label != Label::Many => false,
        _ => return packed(field.kind.wire_type(), value),
    };
    whole.then_some(())
}

fn packed(wire_type: u8, mut value: &[u8]) -> Option<()> {
    match wire_type {
        1 => value.len().is_multiple_of(8).then_some(()),
        5 => value.len().is_multiple_of(4).then_some(()),
        _ => {
            while !value.is_empty() {
                read_varint(&mut value)?;
            }
            Some(())
        }
    }
}

#[cold]
fn broken(at: usize, message: &Message, field: &Field) -> Malformed {
    Malformed::new(at, format!("broken {}.{}", message.name, field.json))
}

#[cold]
fn too_often(at: usize, message: &Message, field: &Field) -> Malformed {
    let what = match field.label {
        Label::Attributes => format!("too many {}.{}", message.name, field.json),
        _ => format!("{}.{} stands twice", message.name, field.json),
    };
    Malformed::new(at, what)
}
