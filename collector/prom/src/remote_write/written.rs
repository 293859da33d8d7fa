//! What a receiver of 2.0 says it wrote.

use super::v1::TimeSeries;

/// Samples, native histograms and exemplars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Float samples.
    pub n_samples: u64,
    /// Native histograms.
    pub n_histograms: u64,
    /// Exemplars.
    pub n_exemplars: u64,
}

/// What the headers of an answer say; a header that is missing stands for zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// No header at all: whoever answered does not speak 2.0.
    Unsaid,
    /// So much.
    Said(Counts),
}

/// The headers of an answer.
const HEADERS: [&str; 3] = [
    "x-prometheus-remote-write-samples-written",
    "x-prometheus-remote-write-histograms-written",
    "x-prometheus-remote-write-exemplars-written",
];

impl Written {
    /// Reads the headers through `get`, which takes names in lower case.
    pub fn read<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let said = HEADERS.map(get);
        if said.iter().all(Option::is_none) {
            return Self::Unsaid;
        }
        let number = |text: Option<&str>| text.and_then(|t| t.trim().parse().ok()).unwrap_or(0);
        let [n_samples, n_histograms, n_exemplars] = said.map(number);
        Self::Said(Counts { n_samples, n_histograms, n_exemplars })
    }
}

impl Counts {
    /// What `series` hold.
    pub fn of<'a>(series: impl Iterator<Item = &'a TimeSeries>) -> Self {
        series.fold(Self::default(), |sum, s| Self {
            n_samples: sum.n_samples + s.samples.len() as u64,
            n_histograms: sum.n_histograms + s.histograms.len() as u64,
            n_exemplars: sum.n_exemplars + s.exemplars.len() as u64,
        })
    }

    /// Samples and histograms of `self`, which was sent, that `written` lacks.
    #[must_use]
    pub fn n_missing(&self, written: &Self) -> u64 {
        self.n_samples.saturating_sub(written.n_samples)
            + self.n_histograms.saturating_sub(written.n_histograms)
    }

    /// Data points of `n_points` that did not arrive, where `written` of `self` did. Exact where every point is one
    /// sample; a classic histogram is several, so it is a share there, rounded up.
    #[must_use]
    pub fn n_points_missing(&self, written: &Self, n_points: u64) -> u64 {
        let n_sent = self.n_samples + self.n_histograms;
        let n_missing = u128::from(self.n_missing(written));
        let share = (n_missing * u128::from(n_points)).div_ceil(u128::from(n_sent.max(1)));
        u64::try_from(share).unwrap_or(n_points).min(n_points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &'static str)]) -> Written {
        Written::read(|name| headers.iter().find(|(n, _)| *n == name).map(|(_, v)| *v))
    }

    #[test]
    fn a_missing_header_is_zero_and_none_is_silence() {
        assert_eq!(read(&[("content-length", "0")]), Written::Unsaid);
        let said = read(&[("x-prometheus-remote-write-samples-written", " 7")]);
        assert_eq!(said, Written::Said(Counts { n_samples: 7, ..Counts::default() }));
        let odd = read(&[("x-prometheus-remote-write-samples-written", "many")]);
        assert_eq!(odd, Written::Said(Counts::default()));
    }

    #[test]
    fn missing_samples_become_points() {
        let sent = Counts { n_samples: 24, n_histograms: 0, n_exemplars: 3 };
        let wrote = |n_samples| Counts { n_samples, ..Counts::default() };
        assert_eq!(sent.n_points_missing(&wrote(24), 24), 0, "exemplars are no points");
        assert_eq!(sent.n_points_missing(&wrote(20), 24), 4);
        assert_eq!(sent.n_points_missing(&wrote(23), 2), 1, "two histograms of twelve samples");
        assert_eq!(sent.n_points_missing(&wrote(0), 2), 2);
        assert_eq!(Counts::default().n_points_missing(&wrote(0), 0), 0);
    }
}
