//! OTLP over the wire: proven bytes, views over them, and the two transports.
//!
//! Bytes in, bytes out. A request is proven by one walk over tags and lengths ([`shape`]), read through
//! [`view`]s, merged and cut at tag boundaries ([`splice`]), and leaves as it came, compressed bytes included.
//!
//! *Not here*: generated protobuf types; they stand in this crate's tests only, as the judge of ours.

pub mod admission;
mod bearer;
mod caller;
pub mod client;
mod encoding;
mod ids;
pub mod inflate;
pub mod json;
mod limits;
mod malformed;
mod payload;
mod request;
pub mod schema;
pub mod server;
pub mod shape;
mod signal;
pub mod splice;
pub mod status;
pub mod tls;
pub mod view;
pub mod wire;

pub use bearer::BearerTokens;
pub use caller::Caller;
pub use encoding::Encoding;
pub use ids::{NotAnId, SpanId, TraceId};
pub use limits::Limits;
pub use malformed::Malformed;
pub use payload::{Encoded, Payload};
pub use request::Request;
pub use signal::Signal;
