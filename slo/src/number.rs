//! Decimal numbers without the noise of binary fractions.

/// Rounds to twelve significant digits, so that `100 − 99.9` is 0.1 and prints so.
#[must_use]
pub fn tidy(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    format!("{x:.11e}").parse().unwrap_or(x)
}

/// The shortest text that reads back as the rounded number.
#[must_use]
pub fn text(x: f64) -> String {
    format!("{}", tidy(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_gone() {
        assert_eq!(text(100.0 - 99.9), "0.1");
        assert_eq!(text((100.0 - 99.9) / 100.0 * 14.4), "0.0144");
        assert_eq!(text(13.44), "13.44");
        assert_eq!(text(0.0), "0");
    }
}
