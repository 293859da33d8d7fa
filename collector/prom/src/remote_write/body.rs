//! A request's body: protobuf in one snappy block.
//!
//! *Invariants*
//! 1. Both versions of one piece say the same; 2.0 says besides what a family is and when a sample began to count.
//! 2. In 2.0 every string stands once in the table, the empty one first.

use std::collections::HashMap;

use prost::Message;
use prost::encoding::encode_varint;

use super::v1::{Label, MetricMetadata, TimeSeries, WriteRequest};
use super::v2;
use super::version::Version;
use super::weighed::Weighed;

/// Tags of the messages' fields, all of them with a length: number << 3 | 2.
const V1_TIMESERIES: u8 = 0x0a;
const V1_METADATA: u8 = 0x1a;
const V2_SYMBOLS: u8 = 0x22;
const V2_TIMESERIES: u8 = 0x2a;

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

/// The strings of one request, each once.
struct Symbols<'a> {
    places: HashMap<&'a str, u32>,
    in_order: Vec<&'a str>,
}

/// The body of a request with `series`; `metadata` travels in 1.0 alone, in 2.0 each series has its own.
pub fn encode(
    version: Version,
    series: &[Weighed],
    metadata: &[MetricMetadata],
) -> Result<Vec<u8>, BodyError> {
    let message = match version {
        Version::V1 => v1_message(series, metadata),
        Version::V2 => v2_message(series),
    };
    Ok(snap::raw::Encoder::new().compress_vec(&message)?)
}

/// Reads a body of 1.0 back, refusing one that inflates to more than `max` bytes.
pub fn decode(body: &[u8], max: usize) -> Result<WriteRequest, BodyError> {
    Ok(WriteRequest::decode(inflate(body, max)?.as_slice())?)
}

/// Reads a body of 2.0 back, refusing one that inflates to more than `max` bytes.
pub fn decode_v2(body: &[u8], max: usize) -> Result<v2::Request, BodyError> {
    Ok(v2::Request::decode(inflate(body, max)?.as_slice())?)
}

fn inflate(body: &[u8], max: usize) -> Result<Vec<u8>, BodyError> {
    let len = snap::raw::decompress_len(body)?;
    if len > max {
        return Err(BodyError::TooLarge { len, max });
    }
    Ok(snap::raw::Decoder::new().decompress_vec(body)?)
}

fn v1_message(series: &[Weighed], metadata: &[MetricMetadata]) -> Vec<u8> {
    let mut out = Vec::new();
    for weighed in series {
        push(&mut out, V1_TIMESERIES, &weighed.series);
    }
    for family in metadata {
        push(&mut out, V1_METADATA, family);
    }
    out
}

fn v2_message(series: &[Weighed]) -> Vec<u8> {
    let mut symbols = Symbols::new();
    let mut body = Vec::new();
    for weighed in series {
        v2_series(weighed, &mut symbols, &mut body);
    }
    let n_bytes: usize = symbols.in_order.iter().map(|s| s.len() + 3).sum();
    let mut out = Vec::with_capacity(n_bytes + body.len());
    for symbol in symbols.in_order {
        out.push(V2_SYMBOLS);
        encode_varint(symbol.len() as u64, &mut out);
        out.extend_from_slice(symbol.as_bytes());
    }
    out.append(&mut body);
    out
}

/// One series, or two where it has both samples and histograms; exemplars go with the first.
fn v2_series<'a>(weighed: &'a Weighed, symbols: &mut Symbols<'a>, out: &mut Vec<u8>) {
    let TimeSeries { labels, samples, exemplars, histograms } = &weighed.series;
    let starts =
        |from: usize| weighed.starts.iter().copied().skip(from).chain(std::iter::repeat(0));
    let metadata = weighed.family.as_deref().map(|family| {
        v2::Metadata::of(family, symbols.place(&family.help), symbols.place(&family.unit))
    });
    let exemplars = exemplars.iter().map(|e| v2::Exemplar {
        labels_refs: symbols.labels(&e.labels),
        value: e.value,
        timestamp: e.timestamp,
    });
    let exemplars: Vec<v2::Exemplar> = exemplars.collect();
    let mut one = v2::TimeSeries {
        labels_refs: symbols.labels(labels),
        exemplars,
        metadata,
        ..v2::TimeSeries::default()
    };
    if !samples.is_empty() {
        one.samples = samples
            .iter()
            .zip(starts(0))
            .map(|(s, start_timestamp)| v2::Sample {
                value: s.value,
                timestamp: s.timestamp,
                start_timestamp,
            })
            .collect();
        push(out, V2_TIMESERIES, &one);
        one.samples.clear();
        one.exemplars.clear();
    }
    if !histograms.is_empty() {
        let with_starts = histograms.iter().zip(starts(samples.len()));
        one.histograms = with_starts.map(|(h, start)| v2::Histogram::since(h, start)).collect();
        push(out, V2_TIMESERIES, &one);
    }
}

fn push(out: &mut Vec<u8>, tag: u8, message: &impl Message) {
    out.push(tag);
    encode_varint(message.encoded_len() as u64, out);
    // A vector grows as far as it must: there is no error to meet.
    let _ = message.encode(out);
}

impl<'a> Symbols<'a> {
    fn new() -> Self {
        Self { places: HashMap::from([("", 0)]), in_order: vec![""] }
    }

    fn place(&mut self, text: &'a str) -> u32 {
        let in_order = &mut self.in_order;
        *self.places.entry(text).or_insert_with(|| {
            in_order.push(text);
            u32::try_from(in_order.len() - 1).unwrap_or(0)
        })
    }

    fn labels(&mut self, labels: &'a [Label]) -> Vec<u32> {
        labels.iter().flat_map(|l| [self.place(&l.name), self.place(&l.value)]).collect()
    }
}
