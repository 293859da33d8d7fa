//! Reading `Export*ServiceResponse`.

use super::outcome::Outcome;
use crate::wire::{Fields, Value};

/// Reads protobuf; the field numbers are the same for all signals. What cannot be read is an empty response:
/// the success stands in the status, and taking it back would send everything twice.
pub(super) fn from_protobuf(response: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    for field in Fields::over(response) {
        let (1, Value::Len(partial)) = field else { continue };
        for field in Fields::over(partial) {
            match field {
                // A negative count is nonsense; it reads as none.
                (1, Value::Varint(n)) => outcome.n_rejected = i64::try_from(n).map_or(0, |_| n),
                (2, Value::Len(text)) => {
                    outcome.message = String::from_utf8_lossy(text).into_owned()
                }
                _ => {}
            }
        }
    }
    outcome
}
