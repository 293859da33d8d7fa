//! Trace and span identifiers, as bytes and as lower-case hex.

use std::fmt;
use std::str::FromStr;

/// Text that is not an identifier in hex of the right length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {0} hex digits")]
pub struct NotAnId(usize);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $n:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; $n]);

        impl $name {
            /// Reads the wire form; anything but the exact length gives the zero id, which means "none".
            pub fn from_wire(bytes: &[u8]) -> Self {
                Self(bytes.try_into().unwrap_or_default())
            }

            /// Whether all bytes are zero, which OTLP uses for "none".
            pub fn is_zero(&self) -> bool {
                self.0 == [0; $n]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let mut id = [0; $n];
                decode_hex(text, &mut id).map(|()| Self(id)).ok_or(NotAnId(2 * $n))
            }
        }
    };
}

id!(
    /// A trace id; zero means none.
    TraceId, 16
);
id!(
    /// A span id; zero means none.
    SpanId, 8
);

fn decode_hex(text: &str, into: &mut [u8]) -> Option<()> {
    let digits = text.as_bytes();
    if digits.len() != 2 * into.len() {
        return None;
    }
    for (byte, pair) in into.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(())
}

pub(crate) fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_both_ways() {
        let text = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(text.parse::<TraceId>().unwrap().to_string(), text);
        assert_eq!("B7AD6B7169203331".parse::<SpanId>().unwrap().to_string(), "b7ad6b7169203331");
    }

    #[test]
    fn other_lengths_and_digits_are_refused() {
        for text in
            ["", "00", "0af7651916cd43dd8448eb211c80319", "0af7651916cd43dd8448eb211c80319g"]
        {
            assert_eq!(text.parse::<TraceId>(), Err(NotAnId(32)), "{text}");
        }
        assert!(TraceId::from_wire(&[1; 15]).is_zero());
    }
}
