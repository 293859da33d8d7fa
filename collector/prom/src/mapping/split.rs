//! Cuts what is to be sent into requests of bounded size.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use prost::Message as _;

use crate::remote_write::{MetricMetadata, Weighed};

/// What one request holds, and the data points that count as sent with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Piece {
    /// The series.
    pub series: Vec<Weighed>,
    /// Descriptions of families, for versions that do not have them with each series.
    pub metadata: Vec<MetricMetadata>,
    /// Data points.
    pub n_points: u64,
}

/// The series of `n` request streams, by hash of the label set: a series is in the same one always, in order.
#[must_use]
pub fn shard(series: Vec<Weighed>, n: usize) -> Vec<Vec<Weighed>> {
    let mut shards: Vec<Vec<Weighed>> = vec![Vec::new(); n.max(1)];
    for weighed in series {
        let at = shard_of(&weighed, shards.len());
        shards[at].push(weighed);
    }
    shards
}

fn shard_of(weighed: &Weighed, n: usize) -> usize {
    // The standard hasher has fixed keys when it is made this way, so that a series stays where it is.
    let mut hasher = DefaultHasher::new();
    weighed.series.labels.hash(&mut hasher);
    usize::try_from(hasher.finish() % n as u64).unwrap_or(0)
}

/// Requests of at most `max_bytes` before compression, as remote-write 1.0 counts them, in order; a longer series
/// stands alone. Metadata travels with the first.
#[must_use]
pub fn split(series: Vec<Weighed>, metadata: Vec<MetricMetadata>, max_bytes: usize) -> Vec<Piece> {
    // Tag and length in front of each series.
    const FRAME: usize = 6;
    if series.is_empty() && metadata.is_empty() {
        return Vec::new();
    }
    let mut n_bytes: usize = metadata.iter().map(|m| m.encoded_len() + FRAME).sum();
    let mut pieces = Vec::new();
    let mut piece = Piece { metadata, ..Piece::default() };
    for weighed in series {
        let len = weighed.series.encoded_len() + FRAME;
        if n_bytes > 0 && n_bytes + len > max_bytes {
            pieces.push(std::mem::take(&mut piece));
            n_bytes = 0;
        }
        n_bytes += len;
        piece.n_points += weighed.n_points;
        piece.series.push(weighed);
    }
    pieces.push(piece);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote_write::{Label, TimeSeries};

    fn weighed(name: &str) -> Weighed {
        let labels = vec![Label { name: "__name__".into(), value: name.into() }];
        let series = TimeSeries { labels, ..TimeSeries::default() };
        Weighed { series, n_points: 1, ..Weighed::default() }
    }

    #[test]
    fn nothing_is_lost_and_no_piece_is_too_long() {
        let series: Vec<_> = (0..100).map(|i| weighed(&format!("series_{i}"))).collect();
        let pieces = split(series.clone(), Vec::new(), 400);
        assert!(pieces.len() > 5);
        let len = |p: &Piece| p.series.iter().map(|w| w.series.encoded_len() + 2).sum::<usize>();
        assert!(pieces.iter().all(|p| len(p) <= 400));
        assert_eq!(pieces.iter().map(|p| p.n_points).sum::<u64>(), 100);
        assert!(pieces.into_iter().flat_map(|p| p.series).eq(series), "in order");
    }

    #[test]
    fn a_series_is_in_one_shard_and_all_shards_are_used() {
        let series: Vec<_> = (0..100).map(|i| weighed(&format!("series_{i}"))).collect();
        let (first, again) = (shard(series.clone(), 4), shard(series.clone(), 4));
        assert_eq!(first, again, "the same always");
        assert!(first.iter().all(|s| s.len() > 10));
        assert_eq!(first.iter().map(Vec::len).sum::<usize>(), 100);
        assert_eq!(shard(series.clone(), 1), [series], "in order");
    }

    #[test]
    fn a_series_beyond_the_bound_stands_alone() {
        let series = vec![weighed("a"), weighed(&"b".repeat(100)), weighed("c")];
        let pieces = split(series, Vec::new(), 50);
        assert_eq!(pieces.len(), 3);
        assert!(split(Vec::new(), Vec::new(), 50).is_empty());
    }
}
