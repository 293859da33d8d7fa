//! The walk over protobuf: messages become objects, repeated fields arrays.
//!
//! Written as the specification asks: ids in hex, enumerations as numbers, 64-bit integers as strings.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::schema::{Field, Kind, Label, Message};
use crate::wire::{Fields, Value, read_fixed32, read_fixed64, read_varint};

/// Appends `body`, a message of this kind, as an object; depth is that of the proven bytes.
pub(super) fn object(message: &'static Message, body: &[u8], out: &mut String) {
    let known = Fields::over(body).filter_map(|(n, value)| Some((message.field(n)?, value)));
    let mut fields: Vec<(&'static Field, Value<'_>)> = known.collect();
    // Repetitions of a field may stand apart; in JSON they are one array, in their order.
    fields.sort_by_key(|(field, _)| field.number);
    out.push('{');
    for (i, run) in fields.chunk_by(|a, b| a.0.number == b.0.number).enumerate() {
        if i > 0 {
            out.push(',');
        }
        let field = run[0].0;
        let _ = write!(out, "\"{}\":", field.json);
        match field.label {
            Label::Many | Label::Attributes => array(field.kind, run, out),
            Label::One | Label::OneOf => one(field.kind, run[run.len() - 1].1, out),
        }
    }
    out.push('}');
}

fn array(kind: Kind, run: &[(&'static Field, Value<'_>)], out: &mut String) {
    out.push('[');
    let mut between = "";
    for (_, value) in run {
        match value {
            Value::Len(packed) if kind.wire_type() != 2 => {
                let mut rest = *packed;
                while let Some(value) = next_packed(kind, &mut rest) {
                    out.push_str(between);
                    one(kind, value, out);
                    between = ",";
                }
            }
            value => {
                out.push_str(between);
                one(kind, *value, out);
                between = ",";
            }
        }
    }
    out.push(']');
}

fn next_packed<'a>(kind: Kind, rest: &mut &'a [u8]) -> Option<Value<'a>> {
    match kind.wire_type() {
        1 => read_fixed64(rest).map(Value::Fixed64),
        5 => read_fixed32(rest).map(Value::Fixed32),
        _ => read_varint(rest).map(Value::Varint),
    }
}

fn one(kind: Kind, value: Value<'_>, out: &mut String) {
    let _ = match (kind, value) {
        (Kind::Message(message), Value::Len(body)) => {
            object(message, body, out);
            Ok(())
        }
        (Kind::Str, Value::Len(text)) => {
            let text = String::from_utf8_lossy(text);
            out.push_str(&serde_json::Value::from(text).to_string());
            Ok(())
        }
        (Kind::Bytes, Value::Len(bytes)) => write!(out, "\"{}\"", STANDARD.encode(bytes)),
        (Kind::Id(_), Value::Len(bytes)) => {
            out.push('"');
            let hex = bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"));
            out.push('"');
            hex
        }
        (Kind::Bool, Value::Varint(n)) => write!(out, "{}", n != 0),
        (Kind::Int32 | Kind::Enum(_), Value::Varint(n)) => {
            write!(out, "{}", low32(n).cast_signed())
        }
        (Kind::Uint32, Value::Varint(n)) => write!(out, "{}", low32(n)),
        (Kind::Sint32, Value::Varint(n)) => {
            let n = low32(n);
            write!(out, "{}", (n >> 1).cast_signed() ^ -(n & 1).cast_signed())
        }
        (Kind::Int64, Value::Varint(n)) => write!(out, "\"{}\"", n.cast_signed()),
        (Kind::Uint64, Value::Varint(n)) => write!(out, "\"{n}\""),
        (Kind::Fixed32, Value::Fixed32(n)) => write!(out, "{n}"),
        (Kind::Fixed64, Value::Fixed64(n)) => write!(out, "\"{n}\""),
        (Kind::Sfixed64, Value::Fixed64(n)) => write!(out, "\"{}\"", n.cast_signed()),
        (Kind::Double, Value::Fixed64(bits)) => double(f64::from_bits(bits), out),
        // Proven bytes have the wire type of their field.
        _ => write!(out, "null"),
    };
}

fn double(value: f64, out: &mut String) -> std::fmt::Result {
    if value.is_nan() {
        write!(out, "\"NaN\"")
    } else if value.is_infinite() {
        write!(out, "\"{}Infinity\"", if value < 0.0 { "-" } else { "" })
    } else {
        write!(out, "{value:?}")
    }
}

#[expect(clippy::cast_possible_truncation, reason = "protobuf takes the low bits")]
fn low32(n: u64) -> u32 {
    n as u32
}
