//! OTLP over the wire: shape checks and views over bytes, codec, transport.
