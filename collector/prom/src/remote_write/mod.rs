//! Remote-write 1.0: messages, body and headers.

mod messages;

pub use messages::{
    BucketSpan, Exemplar, Histogram, Label, MetricMetadata, MetricType, ResetHint, Sample,
    TimeSeries, WriteRequest,
};

use prost::Message as _;

/// Headers that every remote-write 1.0 request carries.
pub const HEADERS: [(&str, &str); 3] = [
    ("content-encoding", "snappy"),
    ("content-type", "application/x-protobuf"),
    ("x-prometheus-remote-write-version", "0.1.0"),
];

/// A body that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Snappy refused.
    #[error("snappy: {0}")]
    Snappy(#[from] snap::Error),
    /// The protobuf is malformed.
    #[error("protobuf: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// It would inflate to more than allowed.
    #[error("the body inflates to {len} bytes, more than {max}")]
    TooLarge {
        /// The length it claims.
        len: usize,
        /// The length allowed.
        max: usize,
    },
}

/// The body of a request: protobuf in one snappy block.
pub fn encode(request: &WriteRequest) -> Result<Vec<u8>, BodyError> {
    Ok(snap::raw::Encoder::new().compress_vec(&request.encode_to_vec())?)
}

/// Reads a body back, refusing one that inflates to more than `max` bytes.
pub fn decode(body: &[u8], max: usize) -> Result<WriteRequest, BodyError> {
    let len = snap::raw::decompress_len(body)?;
    if len > max {
        return Err(BodyError::TooLarge { len, max });
    }
    Ok(WriteRequest::decode(snap::raw::Decoder::new().decompress_vec(body)?.as_slice())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_reads_back() {
        let series = TimeSeries {
            labels: vec![Label { name: "__name__".into(), value: "up".into() }],
            samples: vec![Sample { value: 1.0, timestamp: 1_700_000_000_000 }],
            ..TimeSeries::default()
        };
        let request = WriteRequest { timeseries: vec![series], metadata: vec![] };
        assert_eq!(decode(&encode(&request).unwrap(), 1024).unwrap(), request);
    }

    #[test]
    fn a_bomb_is_refused_by_its_claim() {
        let body = snap::raw::Encoder::new().compress_vec(&vec![0; 1 << 20]).unwrap();
        assert!(matches!(decode(&body, 4096), Err(BodyError::TooLarge { len: 1_048_576, .. })));
    }
}
