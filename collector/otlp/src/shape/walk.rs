//! The walk.

use std::borrow::Cow;

use super::ascii::is_ascii;
use super::pair;
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
    let mut walk = Walk { len: payload.len(), limits, shape: Shape::default(), fault: None };
    let depth = Depth { messages: 1, any_values: 0 };
    match walk.message(schema::request(signal), payload, payload.len(), depth) {
        Some(()) => Ok(walk.shape),
        None => Err(walk.fault.unwrap_or_else(|| Malformed::new(0, "broken request"))),
    }
}

struct Walk<'a> {
    len: usize,
    limits: &'a Limits,
    shape: Shape,
    /// Set once, when the walk ends early; kept here because returning it through every level costs more
    /// than the walk itself.
    fault: Option<Malformed>,
}

#[derive(Clone, Copy)]
struct Depth {
    messages: usize,
    any_values: usize,
}

impl Depth {
    /// Whether an attribute and its value may stand here.
    fn admits_plain_pair(self, limits: &Limits) -> bool {
        self.messages < limits.max_nesting && self.any_values < limits.max_any_value_depth
    }
}

impl Walk<'_> {
    /// `until_end` is the distance from the start of `bytes` to the end of the payload; it yields offsets.
    fn message(
        &mut self,
        message: &'static Message,
        bytes: &[u8],
        until_end: usize,
        depth: Depth,
    ) -> Option<()> {
        let depth = self.enter(message, until_end, depth)?;
        let (mut seen, mut n_attributes) = (0_u32, 0_u32);
        let mut rest = bytes;
        while !rest.is_empty() {
            let tag_at = rest.len();
            let place = (message, until_end - (bytes.len() - tag_at));
            let Some((number, wire_type)) = read_tag(&mut rest) else {
                return self.fail(place.1, "broken tag");
            };
            let Some(field) = message.field(number) else {
                if skip(&mut rest, number, wire_type).is_none() {
                    return self.fail(place.1, "broken unknown field");
                }
                continue;
            };
            // A `match` over labels would be an indirect jump that no processor foresees.
            let is_attribute = field.label == Label::Attributes;
            n_attributes += u32::from(is_attribute);
            if seen & field.once != 0 || n_attributes > self.limits.max_attributes {
                return self.too_often(place, field);
            }
            seen |= field.once;
            if wire_type != 2 {
                let whole = wire_type == field.kind.wire_type()
                    && skip(&mut rest, number, wire_type).is_some();
                if !whole {
                    return self.broken(place, field);
                }
                continue;
            }
            let Some(value) = read_len(&mut rest) else { return self.broken(place, field) };
            if is_attribute && depth.admits_plain_pair(self.limits) && pair::is_plain(value) {
                self.shape.depth = self.shape.depth.max(depth.messages + 1);
                let n_left = self.limits.max_attributes - n_attributes;
                n_attributes += pair::skip_plain(&mut rest, number, n_left);
            } else if let Kind::Message(inner) = field.kind {
                let until_end = until_end - (bytes.len() - rest.len()) + value.len();
                self.message(inner, value, until_end, depth)?;
            } else if !delimited(field, value) {
                return self.broken(place, field);
            }
        }
        Some(())
    }

    fn enter(&mut self, message: &Message, until_end: usize, depth: Depth) -> Option<Depth> {
        let any_values = depth.any_values + usize::from(message.is_any_value);
        if depth.messages > self.limits.max_nesting {
            return self.fail(until_end, "messages nested too deeply");
        }
        if any_values > self.limits.max_any_value_depth {
            return self.fail(until_end, "attribute values nested too deeply");
        }
        self.shape.depth = self.shape.depth.max(depth.messages);
        if message.is_item {
            self.shape.n_items += 1;
            if self.shape.n_items > self.limits.max_items {
                return self.fail(until_end, "too many items in one request");
            }
        }
        Some(Depth { messages: depth.messages + 1, any_values })
    }

    #[cold]
    fn fail<T>(&mut self, until_end: usize, what: impl Into<Cow<'static, str>>) -> Option<T> {
        self.fault = Some(Malformed::new(self.len - until_end, what));
        None
    }

    #[cold]
    fn broken(&mut self, (message, until_end): (&Message, usize), field: &Field) -> Option<()> {
        self.fail(until_end, format!("broken {}.{}", message.name, field.json))
    }

    #[cold]
    fn too_often(&mut self, (message, until_end): (&Message, usize), field: &Field) -> Option<()> {
        let (name, field_name) = (message.name, field.json);
        let what = match field.label {
            Label::Attributes => format!("too many {name}.{field_name}"),
            _ => format!("{name}.{field_name} stands twice"),
        };
        self.fail(until_end, what)
    }
}

/// A known length-delimited field that is not a message: text, bytes, an id, or packed scalars.
#[inline]
fn delimited(field: &Field, value: &[u8]) -> bool {
    match field.kind {
        // Most text is ASCII, and short: the plain test is the quicker one.
        Kind::Str => is_ascii(value) || std::str::from_utf8(value).is_ok(),
        Kind::Bytes => true,
        Kind::Id(n) => value.is_empty() || value.len() == n,
        _ => field.label == Label::Many && packed(field.kind.wire_type(), value),
    }
}

fn packed(wire_type: u8, mut value: &[u8]) -> bool {
    match wire_type {
        1 => value.len().is_multiple_of(8),
        5 => value.len().is_multiple_of(4),
        _ => {
            while !value.is_empty() {
                if read_varint(&mut value).is_none() {
                    return false;
                }
            }
            true
        }
    }
}
