//! The few attributes that objectives ask for, out of the many that pass.

use collector_otlp::view::{AnyValueView, KeyValueView, Messages, View};

/// The attributes that are asked for; each has a slot.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    keys: Vec<Box<str>>,
    /// A bit per length of a key, so that most attributes are passed over without a comparison.
    lengths: u64,
}

/// Values by slot.
pub(super) type Slots<'a> = Vec<Option<AnyValueView<'a>>>;

impl Keys {
    /// The slot of a key.
    pub(super) fn slot(&mut self, key: &str) -> usize {
        if let Some(at) = self.keys.iter().position(|k| **k == *key) {
            return at;
        }
        self.lengths |= bit(key.len());
        self.keys.push(key.into());
        self.keys.len() - 1
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Puts the values of what is asked for into their slots; the first where a sender repeats a key.
    pub(super) fn fill<'a>(
        &self,
        attributes: Messages<'a, KeyValueView<'a>>,
        into: &mut Slots<'a>,
    ) {
        let mut found = 0_u64;
        for raw in attributes.raw() {
            if let Some(key) = plain_key(raw)
                && self.lengths & bit(key.len()) == 0
            {
                continue;
            }
            let pair = KeyValueView::over(raw);
            if let Some(slot) = self.keys.iter().position(|k| **k == *pair.key) {
                // What stands here already came from the resource, and yields; slots beyond the 64th take the last.
                let mark = 1_u64.checked_shl(u32::try_from(slot).unwrap_or(u32::MAX)).unwrap_or(0);
                if found & mark == 0 {
                    into[slot] = Some(pair.value);
                }
                found |= mark;
            }
        }
    }
}

fn bit(len: usize) -> u64 {
    1 << (len % 64)
}

/// The key of a pair that is written as everybody writes it: the key first, shorter than 128 bytes.
fn plain_key(raw: &[u8]) -> Option<&[u8]> {
    match raw {
        [0x0a, n, rest @ ..] if *n < 0x80 => rest.get(..usize::from(*n)),
        _ => None,
    }
}
