//! gRPC status codes and `google.rpc.Status`, with the one detail OTLP uses: when to try again.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::wire::{Fields, Value, write_len, write_tag, write_varint};

/// gRPC sends binary headers without padding and reads both forms.
const HEADER_BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// A gRPC status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "gRPC documents its codes")]
pub enum Code {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

const CODES: [(Code, &str); 17] = [
    (Code::Ok, "OK"),
    (Code::Cancelled, "CANCELLED"),
    (Code::Unknown, "UNKNOWN"),
    (Code::InvalidArgument, "INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (Code::NotFound, "NOT_FOUND"),
    (Code::AlreadyExists, "ALREADY_EXISTS"),
    (Code::PermissionDenied, "PERMISSION_DENIED"),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, "FAILED_PRECONDITION"),
    (Code::Aborted, "ABORTED"),
    (Code::OutOfRange, "OUT_OF_RANGE"),
    (Code::Unimplemented, "UNIMPLEMENTED"),
    (Code::Internal, "INTERNAL"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::DataLoss, "DATA_LOSS"),
    (Code::Unauthenticated, "UNAUTHENTICATED"),
];

impl Code {
    /// Its number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its name, upper-case.
    pub const fn name(self) -> &'static str {
        CODES[self as usize].1
    }

    /// The code of a number; an unknown one is `Unknown`, as gRPC demands.
    pub fn from_number(number: u64) -> Self {
        usize::try_from(number).ok().and_then(|n| CODES.get(n)).map_or(Self::Unknown, |code| code.0)
    }
}

/// A failure as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What kind of failure.
    pub code: Code,
    /// Why, for people.
    pub message: String,
    /// When the sender may try again.
    pub retry_after: Option<Duration>,
}

impl Status {
    /// A status without a retry time.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    /// As protobuf `google.rpc.Status`.
    pub fn to_protobuf(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_tag(&mut out, 1, 0);
        write_varint(&mut out, u64::from(self.code.number()));
        write_len(&mut out, 2, self.message.as_bytes());
        if let Some(after) = self.retry_after {
            let mut delay = Vec::new();
            write_tag(&mut delay, 1, 0);
            write_varint(&mut delay, after.as_secs());
            write_tag(&mut delay, 2, 0);
            write_varint(&mut delay, u64::from(after.subsec_nanos()));
            let mut info = Vec::new();
            write_len(&mut info, 1, &delay);
            let mut any = Vec::new();
            write_len(&mut any, 1, RETRY_INFO.as_bytes());
            write_len(&mut any, 2, &info);
            write_len(&mut out, 3, &any);
        }
        out
    }

    /// As protobuf's JSON form of `google.rpc.Status`.
    pub fn to_json(&self) -> Vec<u8> {
        let mut status = serde_json::json!({"code": self.code.number(), "message": self.message});
        if let Some(after) = self.retry_after {
            let delay = format!("{}s", after.as_secs_f64());
            status["details"] = serde_json::json!([{"@type": RETRY_INFO, "retryDelay": delay}]);
        }
        status.to_string().into_bytes()
    }

    /// Reads protobuf; what is damaged or unknown is left out.
    pub fn from_protobuf(bytes: &[u8]) -> Self {
        let mut status = Self::new(Code::Unknown, "");
        for field in Fields::over(bytes) {
            match field {
                (1, Value::Varint(number)) => status.code = Code::from_number(number),
                (2, Value::Len(text)) => {
                    status.message = String::from_utf8_lossy(text).into_owned()
                }
                (3, Value::Len(any)) => status.retry_after = retry_info(any).or(status.retry_after),
                _ => {}
            }
        }
        status
    }

    /// The value of `grpc-status-details-bin`.
    pub fn to_details_header(&self) -> String {
        HEADER_BASE64.encode(self.to_protobuf())
    }

    /// Reads `grpc-status-details-bin`.
    pub fn from_details_header(value: &[u8]) -> Option<Self> {
        HEADER_BASE64.decode(value).ok().map(|bytes| Self::from_protobuf(&bytes))
    }
}

fn len_field(message: &[u8], number: u32) -> Option<&[u8]> {
    Fields::over(message).find_map(|field| match field {
        (n, Value::Len(bytes)) if n == number => Some(bytes),
        _ => None,
    })
}

fn retry_info(any: &[u8]) -> Option<Duration> {
    if len_field(any, 1)? != RETRY_INFO.as_bytes() {
        return None;
    }
    let delay = len_field(len_field(any, 2)?, 1)?;
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields::over(delay) {
        match field {
            (1, Value::Varint(value)) => seconds = value,
            (2, Value::Varint(value)) => nanos = value,
            _ => {}
        }
    }
    // A negative delay is a huge varint; senders of one mean "now".
    let seconds = i64::try_from(seconds).map_or(0, i64::cast_unsigned);
    Some(Duration::new(seconds, u32::try_from(nanos).ok().filter(|n| *n < 1_000_000_000)?))
}

/// Percent-encodes `grpc-message`.
pub fn encode_grpc_message(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Decodes `grpc-message`; what is not an escape stays as it is.
pub fn decode_grpc_message(value: &[u8]) -> String {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, tail)) = rest.split_first() {
        let escape = || {
            let (high, low) = (*tail.first()?, *tail.get(1)?);
            Some(crate::ids::hex_digit(high)? << 4 | crate::ids::hex_digit(low)?)
        };
        match (byte == b'%').then(escape).flatten() {
            Some(decoded) => {
                out.push(decoded);
                rest = &tail[2..];
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_survives_the_header() {
        let status = Status {
            code: Code::ResourceExhausted,
            message: "log full".into(),
            retry_after: Some(Duration::from_millis(1500)),
        };
        assert_eq!(
            Status::from_details_header(status.to_details_header().as_bytes()),
            Some(status)
        );
    }

    #[test]
    fn json_names_the_delay() {
        let status = Status {
            retry_after: Some(Duration::from_secs(2)),
            ..Status::new(Code::Unavailable, "draining")
        };
        assert_eq!(
            String::from_utf8(status.to_json()).unwrap(),
            r#"{"code":14,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2s"}],"message":"draining"}"#
        );
    }

    #[test]
    fn codes_are_in_order_and_messages_survive_escaping() {
        for (i, (code, _)) in CODES.iter().enumerate() {
            assert_eq!(usize::from(code.number()), i);
            assert_eq!(Code::from_number(i as u64), *code);
        }
        assert_eq!(Code::from_number(99), Code::Unknown);
        let text = "50 % voll, größer\n";
        assert_eq!(decode_grpc_message(encode_grpc_message(text).as_bytes()), text);
        assert_eq!(decode_grpc_message(b"100%"), "100%");
    }
}
