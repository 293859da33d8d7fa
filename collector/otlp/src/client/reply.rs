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

/// Reads JSON in the same way; counts come as strings or numbers, and under the name of their signal.
pub(super) fn from_json(response: &[u8]) -> Outcome {
    let response: serde_json::Value = serde_json::from_slice(response).unwrap_or_default();
    let partial = &response["partialSuccess"];
    let counts = ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"];
    let count = |name: &str| {
        let count = &partial[name];
        count.as_u64().or_else(|| count.as_str()?.parse().ok())
    };
    Outcome {
        n_rejected: counts.into_iter().find_map(count).unwrap_or(0),
        message: partial["errorMessage"].as_str().unwrap_or_default().to_owned(),
    }
}

/// What a `Status` in JSON says.
pub(super) fn message_in_json(status: &[u8]) -> String {
    let status: serde_json::Value = serde_json::from_slice(status).unwrap_or_default();
    status["message"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_strings_and_as_numbers() {
        for body in [
            r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#,
            r#"{"partialSuccess":{"rejectedLogRecords":3,"errorMessage":"no"}}"#,
        ] {
            let outcome = Outcome { n_rejected: 3, message: "no".to_owned() };
            assert_eq!(from_json(body.as_bytes()), outcome, "{body}");
        }
        assert_eq!(from_json(b"{}"), Outcome::default());
        assert_eq!(from_json(b"not json"), Outcome::default());
        assert_eq!(message_in_json(br#"{"code":3,"message":"malformed"}"#), "malformed");
    }
}
