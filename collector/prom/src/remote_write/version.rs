//! The versions of the protocol and the headers that name them.

/// A version of remote-write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `prometheus.WriteRequest`.
    V1,
    /// `io.prometheus.write.v2.Request`.
    V2,
}

impl Version {
    /// Headers that every request of this version carries.
    #[must_use]
    pub fn headers(self) -> [(&'static str, &'static str); 3] {
        let (kind, version) = match self {
            Self::V1 => ("application/x-protobuf", "0.1.0"),
            Self::V2 => ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0"),
        };
        [
            ("content-encoding", "snappy"),
            ("content-type", kind),
            ("x-prometheus-remote-write-version", version),
        ]
    }

    /// `1.0` or `2.0`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        }
    }
}
