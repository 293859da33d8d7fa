//! One JSON scalar to one protobuf scalar.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::ids::hex_digit;
use crate::schema::{EnumNames, Kind};
use crate::wire::write_varint;

/// Protobuf's JSON reads both alphabets, padded or not.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const PLAIN_BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const URL_BASE64: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// A scalar as JSON has it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Token<'a> {
    Bool(bool),
    Int(i128),
    Double(f64),
    Str(&'a str),
}

/// Appends the value, without tag.
pub(super) fn write_scalar(
    out: &mut Vec<u8>,
    kind: Kind,
    token: Token<'_>,
) -> Result<(), &'static str> {
    match kind {
        Kind::Message(_) => Err("expected an object"),
        Kind::Str => text(token).map(|text| write_bytes(out, text.as_bytes())),
        Kind::Bytes => text(token).and_then(base64).map(|bytes| write_bytes(out, &bytes)),
        Kind::Id(n) => text(token).and_then(|text| write_id(out, n, text)),
        Kind::Bool => match token {
            Token::Bool(value) => {
                out.push(value.into());
                Ok(())
            }
            _ => Err("expected true or false"),
        },
        // A negative int32 takes ten bytes, sign-extended.
        Kind::Int32 => {
            integer::<i32>(token).map(|n| write_varint(out, i64::from(n).cast_unsigned()))
        }
        Kind::Int64 => integer::<i64>(token).map(|n| write_varint(out, n.cast_unsigned())),
        Kind::Uint32 => integer::<u32>(token).map(|n| write_varint(out, n.into())),
        Kind::Uint64 => integer::<u64>(token).map(|n| write_varint(out, n)),
        Kind::Sint32 => integer::<i32>(token)
            .map(|n| write_varint(out, u64::from(((n << 1) ^ (n >> 31)).cast_unsigned()))),
        Kind::Fixed32 => integer::<u32>(token).map(|n| out.extend(n.to_le_bytes())),
        Kind::Fixed64 => integer::<u64>(token).map(|n| out.extend(n.to_le_bytes())),
        Kind::Sfixed64 => integer::<i64>(token).map(|n| out.extend(n.to_le_bytes())),
        Kind::Double => double(token).map(|value| out.extend(value.to_le_bytes())),
        Kind::Enum(names) => {
            enumeration(token, names).map(|n| write_varint(out, i64::from(n).cast_unsigned()))
        }
    }
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn text(token: Token<'_>) -> Result<&str, &'static str> {
    match token {
        Token::Str(text) => Ok(text),
        _ => Err("expected a string"),
    }
}

fn base64(text: &str) -> Result<Vec<u8>, &'static str> {
    let engine = if text.contains(['-', '_']) { &URL_BASE64 } else { &PLAIN_BASE64 };
    engine.decode(text).map_err(|_| "expected base64")
}

fn write_id(out: &mut Vec<u8>, n: usize, text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        out.push(0);
        return Ok(());
    }
    if text.len() != 2 * n {
        return Err("expected an id in hex, of 32 digits for a trace and 16 for a span");
    }
    write_varint(out, n as u64);
    for pair in text.as_bytes().chunks_exact(2) {
        let byte = hex_digit(pair[0]).zip(hex_digit(pair[1])).ok_or("expected hex digits")?;
        out.push(byte.0 << 4 | byte.1);
    }
    Ok(())
}

fn integer<T: TryFrom<i128>>(token: Token<'_>) -> Result<T, &'static str> {
    let whole = match token {
        Token::Int(n) => n,
        Token::Str(text) => text.parse().map_err(|_| "expected an integer")?,
        Token::Double(value) => whole(value).ok_or("expected an integer")?,
        Token::Bool(_) => return Err("expected an integer"),
    };
    T::try_from(whole).map_err(|_| "integer out of range")
}

/// `1e3` and `1.0` are integers to protobuf.
#[expect(clippy::cast_possible_truncation, reason = "whole and far inside the range of i128")]
fn whole(value: f64) -> Option<i128> {
    (value.fract() == 0.0 && value.abs() < 1e30).then_some(value as i128)
}

#[expect(clippy::cast_precision_loss, reason = "a double is what the field holds")]
fn double(token: Token<'_>) -> Result<f64, &'static str> {
    match token {
        Token::Double(value) => Ok(value),
        Token::Int(n) => Ok(n as f64),
        Token::Str("NaN") => Ok(f64::NAN),
        Token::Str("Infinity") => Ok(f64::INFINITY),
        Token::Str("-Infinity") => Ok(f64::NEG_INFINITY),
        // `parse` reads other words for the unusual ones too; a number begins with a digit.
        Token::Str(text)
            if text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()) =>
        {
            text.parse().map_err(|_| "expected a number")
        }
        _ => Err("expected a number"),
    }
}

fn enumeration(token: Token<'_>, names: EnumNames) -> Result<i32, &'static str> {
    match token {
        Token::Str(name) => names
            .iter()
            .find_map(|(known, number)| (*known == name).then_some(*number))
            .ok_or("expected the number of an enumeration value, or its name"),
        _ => integer(token),
    }
}
