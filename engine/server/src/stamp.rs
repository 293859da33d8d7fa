//! Times as clients see them: RFC 3339 in UTC.

use std::time::Duration;

use durable_fs::Clock;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// A moment, `2026-01-31T12:00:00.123Z`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime)]
pub(crate) struct Stamp(String);

impl Stamp {
    pub(crate) fn after(clock: &dyn Clock, wait: Duration) -> Self {
        Self::since_epoch(clock.since_epoch().saturating_add(wait))
    }

    /// A moment in nanoseconds since the Unix epoch; shown to the millisecond.
    pub(crate) fn at(unix_nanos: u64) -> Self {
        Self::since_epoch(Duration::from_nanos(unix_nanos))
    }

    fn since_epoch(age: Duration) -> Self {
        let millis = i128::try_from(age.as_millis()).unwrap_or(i128::MAX);
        let moment = millis
            .checked_mul(1_000_000)
            .and_then(|nanos| OffsetDateTime::from_unix_timestamp_nanos(nanos).ok())
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        // RFC 3339 ends with the year 9999, where `time` without large dates ends as well.
        Self(moment.format(&Rfc3339).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_milliseconds_in_utc() {
        assert_eq!(Stamp::at(1_769_860_800_123_456_789).0, "2026-01-31T12:00:00.123Z");
        assert_eq!(Stamp::at(0).0, "1970-01-01T00:00:00Z");
        assert!(Stamp::at(u64::MAX).0.starts_with("2554-07-21T"));
    }
}
