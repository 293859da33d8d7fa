//! Attributes and their values; a value may hold attributes in turn.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value as Json};

use super::messages::{Messages, View, text};
use crate::wire::{Fields, Value};

/// One attribute.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyValueView<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its value.
    pub value: AnyValueView<'a>,
}

/// What an attribute or a log body holds. `Display` gives text as it is and everything else as JSON.
#[derive(Debug, Clone, Copy, Default)]
pub enum AnyValueView<'a> {
    /// No value set.
    #[default]
    Empty,
    /// Text.
    Str(&'a str),
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// A list of values.
    Array(Messages<'a, AnyValueView<'a>>),
    /// A list of keys and values.
    KvList(Messages<'a, KeyValueView<'a>>),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl<'a> View<'a> for KeyValueView<'a> {
    fn over(message: &'a [u8]) -> Self {
        let mut view = Self::default();
        for field in Fields::over(message) {
            match field {
                (1, Value::Len(bytes)) => view.key = text(bytes),
                (2, Value::Len(bytes)) => view.value = AnyValueView::over(bytes),
                _ => {}
            }
        }
        view
    }
}

impl<'a> Messages<'a, KeyValueView<'a>> {
    /// The value under `key`; the first where a sender repeats a key.
    pub fn get(mut self, key: &str) -> Option<AnyValueView<'a>> {
        self.find(|pair| pair.key == key).map(|pair| pair.value)
    }
}

impl<'a> View<'a> for AnyValueView<'a> {
    fn over(message: &'a [u8]) -> Self {
        let mut view = Self::Empty;
        for field in Fields::over(message) {
            view = match field {
                (1, Value::Len(bytes)) => Self::Str(text(bytes)),
                (2, Value::Varint(bits)) => Self::Bool(bits != 0),
                (3, Value::Varint(bits)) => Self::Int(bits.cast_signed()),
                (4, Value::Fixed64(bits)) => Self::Double(f64::from_bits(bits)),
                (5, Value::Len(bytes)) => Self::Array(Messages::of(bytes, 1)),
                (6, Value::Len(bytes)) => Self::KvList(Messages::of(bytes, 1)),
                (7, Value::Len(bytes)) => Self::Bytes(bytes),
                _ => view,
            };
        }
        view
    }
}

impl<'a> AnyValueView<'a> {
    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&'a str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// Plain JSON: bytes become base64, infinities and not-a-number their names, an empty value null.
    pub fn to_json(&self) -> Json {
        match *self {
            Self::Empty => Json::Null,
            Self::Str(text) => text.into(),
            Self::Bool(value) => value.into(),
            Self::Int(value) => value.into(),
            Self::Double(value) => Number::from_f64(value)
                .map_or_else(|| Json::String(unusual_double(value).to_owned()), Json::Number),
            Self::Array(values) => values.map(|value| value.to_json()).collect(),
            Self::KvList(pairs) => Json::Object(
                pairs
                    .map(|pair| (pair.key.to_owned(), pair.value.to_json()))
                    .collect::<Map<_, _>>(),
            ),
            Self::Bytes(bytes) => STANDARD.encode(bytes).into(),
        }
    }
}

impl fmt::Display for AnyValueView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Str(text) => f.write_str(text),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Double(value) if !value.is_finite() => f.write_str(unusual_double(*value)),
            Self::Double(value) => write!(f, "{value}"),
            Self::Bytes(bytes) => f.write_str(&STANDARD.encode(bytes)),
            Self::Array(_) | Self::KvList(_) => write!(f, "{}", self.to_json()),
        }
    }
}

fn unusual_double(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}
