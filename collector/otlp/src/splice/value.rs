//! Values that an edit puts into a request.

use crate::wire::{write_len, write_tag, write_varint};

/// A plain value; lists are replaced by their text or not at all.
#[derive(Debug, Clone, PartialEq)]
pub enum NewValue {
    /// Text.
    Str(String),
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl NewValue {
    /// Its `AnyValue`.
    pub(super) fn to_any_value(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Str(text) => write_len(&mut out, 1, text.as_bytes()),
            Self::Bool(value) => {
                write_tag(&mut out, 2, 0);
                write_varint(&mut out, u64::from(*value));
            }
            Self::Int(value) => {
                write_tag(&mut out, 3, 0);
                write_varint(&mut out, value.cast_unsigned());
            }
            Self::Double(value) => {
                write_tag(&mut out, 4, 1);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Self::Bytes(bytes) => write_len(&mut out, 7, bytes),
        }
        out
    }

    /// The `KeyValue` of it under `key`.
    pub(super) fn to_pair(&self, key: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write_len(&mut out, 1, key.as_bytes());
        write_len(&mut out, 2, &self.to_any_value());
        out
    }
}

impl From<&str> for NewValue {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}
