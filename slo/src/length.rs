//! Lengths of time in whole seconds, read and written as Prometheus does (`5m`, `1d12h`, `4w`).

use std::fmt;

/// A length of time in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Length(pub u64);

/// Units from long to short with their seconds; the first three are used only where they fit exactly.
const UNITS: [(&str, u64, bool); 6] = [
    ("y", 31_536_000, true),
    ("w", 604_800, true),
    ("d", 86_400, true),
    ("h", 3_600, false),
    ("m", 60, false),
    ("s", 1, false),
];

impl Length {
    /// One minute.
    pub const MINUTE: Self = Self(60);
    /// One day.
    pub const DAY: Self = Self(86_400);

    /// Reads `1d12h`, `90s`, `0`; milliseconds are refused.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        if rest == "0" {
            return Some(Self(0));
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let n_digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let count: u64 = rest[..n_digits].parse().ok()?;
            rest = &rest[n_digits..];
            let n_letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let seconds = UNITS.iter().find(|(unit, ..)| *unit == &rest[..n_letters])?.1;
            total = total.checked_add(count.checked_mul(seconds)?)?;
            rest = &rest[n_letters..];
        }
        (total > 0).then_some(Self(total))
    }

    /// As a number for arithmetic.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "centuries fit into 53 bits")]
    pub fn seconds(self) -> f64 {
        self.0 as f64
    }

    /// The whole number of `other` that covers this length.
    #[must_use]
    pub fn steps(self, other: Self) -> u64 {
        self.0.div_ceil(other.0.max(1))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, seconds, exact) in UNITS {
            if rest >= seconds && (!exact || rest.is_multiple_of(seconds)) {
                write!(f, "{}{unit}", rest / seconds)?;
                rest %= seconds;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_as_prometheus_does() {
        for (text, seconds, back) in [
            ("5m", 300, "5m"),
            ("30d", 2_592_000, "30d"),
            ("28d", 2_419_200, "4w"),
            ("7d", 604_800, "1w"),
            ("1d12h", 129_600, "36h"),
            ("90s", 90, "1m30s"),
            ("365d", 31_536_000, "1y"),
        ] {
            assert_eq!(Length::parse(text), Some(Length(seconds)), "{text}");
            assert_eq!(Length(seconds).to_string(), back);
        }
        for bad in ["", "5", "m", "5x", "-5m", "100ms", "99999999999999999999y"] {
            assert_eq!(Length::parse(bad), None, "{bad}");
        }
    }
}
