//! Durations and byte counts as people write them.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A duration: `500ms`, `1m30s`, or a bare number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval(pub Duration);

/// A count of bytes: `64MiB`, `1GB`, or a bare number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl Interval {
    /// Reads Go's notation of a duration.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut total = 0.0;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let n_digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
            let (number, tail) = rest.split_at(n_digits);
            let n_unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(n_unit);
            let seconds = match unit {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
            total += number.parse::<f64>().ok()? * seconds;
            rest = tail;
        }
        Duration::try_from_secs_f64(total).ok().map(Self)
    }
}

impl ByteSize {
    /// Reads a number with an optional decimal (`MB`) or binary (`MiB`) unit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let n_digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(n_digits);
        let factor: u64 = match unit.trim() {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(factor).map(Self)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(IntervalVisitor)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(ByteSizeVisitor)
    }
}

struct IntervalVisitor;
struct ByteSizeVisitor;

impl Visitor<'_> for IntervalVisitor {
    type Value = Interval;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as 500ms, 30s or 1m30s")
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Interval, E> {
        let seconds = u64::try_from(v).map_err(|_| E::custom("a duration cannot be negative"))?;
        Ok(Interval(Duration::from_secs(seconds)))
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Interval, E> {
        Interval::parse(v).ok_or_else(|| E::invalid_value(de::Unexpected::Str(v), &self))
    }
}

impl Visitor<'_> for ByteSizeVisitor {
    type Value = ByteSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count of bytes such as 67108864, 64MiB or 1GB")
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<ByteSize, E> {
        u64::try_from(v).map(ByteSize).map_err(|_| E::custom("a size cannot be negative"))
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<ByteSize, E> {
        ByteSize::parse(v).ok_or_else(|| E::invalid_value(de::Unexpected::Str(v), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_as_go_writes_them() {
        let read = |t| Interval::parse(t).map(|i| i.0.as_millis());
        assert_eq!(read("500ms"), Some(500));
        assert_eq!(read("1m30s"), Some(90_000));
        assert_eq!(read("1.5h"), Some(5_400_000));
        assert_eq!(read("0s"), Some(0));
        for bad in ["", "5", "s", "5 parsecs", "-1s", "1s2"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn reads_sizes() {
        let read = |t| ByteSize::parse(t).map(|b| b.0);
        assert_eq!(read("64MiB"), Some(64 << 20));
        assert_eq!(read("1 GB"), Some(1_000_000_000));
        assert_eq!(read("7"), Some(7));
        for bad in ["", "MiB", "1.5GB", "12 pints", "99999999999TiB"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
