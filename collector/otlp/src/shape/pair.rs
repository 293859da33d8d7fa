//! The form that nearly all attributes have, known at a glance.
//!
//! Attributes are most of telemetry, and each is two messages to the walk. One whose key is short
//! ASCII and whose value is short ASCII, a number or a truth value is proven here without them;
//! whatever else it may be is left to the walk, which has the last word on it.

use super::ascii::is_ascii;
use crate::wire::read_varint;

/// Tags of `KeyValue`.
const KEY: u8 = 0x0a;
const VALUE: u8 = 0x12;
/// Tags of `AnyValue`.
const TEXT: u8 = 0x0a;
const BOOL: u8 = 0x10;
const INT: u8 = 0x18;
const DOUBLE: u8 = 0x21;

/// Whether `pair` is a `KeyValue` of that form, and therefore sound.
#[inline]
pub(super) fn is_plain(pair: &[u8]) -> bool {
    let [KEY, n_key, rest @ ..] = pair else { return false };
    let Some((key, rest)) = rest.split_at_checked(usize::from(*n_key)) else { return false };
    let [VALUE, n_value, value @ ..] = rest else { return false };
    if *n_key | *n_value >= 0x80 || usize::from(*n_value) != value.len() {
        return false;
    }
    match value {
        // Tags and lengths are ASCII as well: one look proves key and text.
        [TEXT, n, text @ ..] => usize::from(*n) == text.len() && is_ascii(pair),
        [INT, varint @ ..] => ends_after_varint(varint) && is_ascii(key),
        [BOOL, truth] => *truth < 0x80 && is_ascii(key),
        [DOUBLE, bits @ ..] => bits.len() == 8 && is_ascii(key),
        _ => false,
    }
}

/// Skips attributes of that form which follow each other as field `number`, `most` of them at most;
/// how many.
pub(super) fn skip_plain(rest: &mut &[u8], number: u32, most: u32) -> u32 {
    let tag = number << 3 | 2;
    let mut n = 0;
    while n < most
        && let [first, len, behind @ ..] = *rest
        && u32::from(*first) == tag
        && *len < 0x80
        && let Some((pair, behind)) = behind.split_at_checked(usize::from(*len))
        && is_plain(pair)
    {
        *rest = behind;
        n += 1;
    }
    n
}

fn ends_after_varint(mut bytes: &[u8]) -> bool {
    read_varint(&mut bytes).is_some() && bytes.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{write_len, write_tag, write_varint};
    use crate::{Limits, Signal, shape};

    /// A log record's attribute by way of the walk alone: an unknown field in front of the key is
    /// not plain, and changes nothing else.
    fn walk_takes(pair: &[u8]) -> bool {
        let mut other = vec![0x50, 0];
        other.extend_from_slice(pair);
        assert!(!is_plain(&other));
        let wrap = |number, bytes: &[u8]| {
            let mut out = Vec::new();
            write_len(&mut out, number, bytes);
            out
        };
        let request = wrap(1, &wrap(2, &wrap(2, &wrap(6, &other))));
        shape::check(Signal::Logs, &request, &Limits::default()).is_ok()
    }

    fn pair(key: &[u8], value: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write_len(&mut out, 1, key);
        write_len(&mut out, 2, value);
        out
    }

    fn value(kind: u8, text: &[u8], number: u64) -> Vec<u8> {
        let mut out = Vec::new();
        match kind {
            0 => write_len(&mut out, 1, text),
            1 => out.extend([BOOL, 1]),
            2 => {
                write_tag(&mut out, 3, 0);
                write_varint(&mut out, number);
            }
            3 => {
                write_tag(&mut out, 4, 1);
                out.extend(number.to_le_bytes());
            }
            _ => write_len(&mut out, 7, text),
        }
        out
    }

    proptest! {
        #[test]
        fn what_is_plain_passes_the_walk(
            key in prop::collection::vec(any::<u8>(), 0..140),
            text in prop::collection::vec(any::<u8>(), 0..140),
            (kind, number) in (0_u8..5, any::<u64>()),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        ) {
            let mut bytes = pair(&key, &value(kind, &text, number));
            for (at, with) in flips {
                let at = at.index(bytes.len());
                bytes[at] = with;
            }
            prop_assert!(!is_plain(&bytes) || walk_takes(&bytes), "{bytes:02x?}");
        }
    }

    #[test]
    fn usual_attributes_are_plain() {
        for kind in 0..4 {
            let bytes = pair(b"http.request.method", &value(kind, b"GET", 1 << 40));
            assert!(is_plain(&bytes) && walk_takes(&bytes), "{kind}");
        }
        for bytes in [pair("grö".as_bytes(), &value(0, b"", 0)), pair(b"k", b""), vec![], vec![KEY]]
        {
            assert!(!is_plain(&bytes), "{bytes:02x?}");
        }
    }
}
