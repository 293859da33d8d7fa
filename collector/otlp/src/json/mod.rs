//! OTLP/JSON to protobuf in one pass, and back, by the same tables as the shape check.
//!
//! OTLP's rules where they differ from protobuf's own JSON: trace and span ids are hex, enumerations numbers.
//! 64-bit integers come as strings or numbers. Unknown fields are ignored and null means absent. Names of
//! enumeration values, and field names as the `.proto` files spell them, are understood although the
//! specification does not ask for it: ignoring them would lose data silently.
//!
//! *Invariants*
//! 1. Recursion is bounded by the limits, not by the input.
//! 2. The output is bounded by `max_decoded_bytes`.
//!
//! *Not here*: whether the result is whole; a field given twice comes out twice, and the shape check refuses it.

mod scalar;
mod text;
mod transcode;
mod writer;

use crate::{Limits, Malformed, Signal, schema};

/// Transcodes the JSON of the signal's export request to protobuf.
pub fn to_protobuf(signal: Signal, json: &[u8], limits: &Limits) -> Result<Vec<u8>, Malformed> {
    let mut writer = writer::Writer::new(limits, json.len());
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    deserializer.disable_recursion_limit();
    transcode::request(schema::request(signal), &mut writer, &mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| malformed(json, &error))?;
    Ok(writer.into_bytes())
}

/// Transcodes the proven protobuf of the signal's export request to JSON.
#[must_use]
pub fn from_protobuf(signal: Signal, protobuf: &[u8]) -> String {
    let mut out = String::with_capacity(protobuf.len() * 2);
    text::object(schema::request(signal), protobuf, &mut out);
    out
}

/// Turns line and column into an offset, and leaves out what the text quotes of the sender's values.
fn malformed(json: &[u8], error: &serde_json::Error) -> Malformed {
    let lines = json.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    let what = match text.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => text.to_owned(),
    };
    Malformed::new((before + error.column()).min(json.len()), format!("json: {what}"))
}

#[cfg(test)]
mod tests;
