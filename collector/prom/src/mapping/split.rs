//! Cuts what is to be sent into requests of bounded size.

use prost::Message as _;

use super::series::Weighed;
use crate::remote_write::{MetricMetadata, WriteRequest};

/// One request, and the data points that count as sent with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Piece {
    /// The request.
    pub request: WriteRequest,
    /// Data points.
    pub n_points: u64,
}

/// Requests of at most `max_bytes` before compression, in order; a longer series stands alone. Metadata
/// travels with the first.
#[must_use]
pub fn split(series: Vec<Weighed>, metadata: Vec<MetricMetadata>, max_bytes: usize) -> Vec<Piece> {
    // Tag and length in front of each series.
    const FRAME: usize = 6;
    if series.is_empty() && metadata.is_empty() {
        return Vec::new();
    }
    let request = WriteRequest { timeseries: Vec::new(), metadata };
    let mut n_bytes = request.encoded_len();
    let mut pieces = Vec::new();
    let mut piece = Piece { request, n_points: 0 };
    for Weighed { series, n_points } in series {
        let len = series.encoded_len() + FRAME;
        if n_bytes > 0 && n_bytes + len > max_bytes {
            pieces.push(std::mem::take(&mut piece));
            n_bytes = 0;
        }
        n_bytes += len;
        piece.n_points += n_points;
        piece.request.timeseries.push(series);
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
        Weighed { series: TimeSeries { labels, ..TimeSeries::default() }, n_points: 1 }
    }

    #[test]
    fn nothing_is_lost_and_no_piece_is_too_long() {
        let series: Vec<_> = (0..100).map(|i| weighed(&format!("series_{i}"))).collect();
        let pieces = split(series.clone(), Vec::new(), 400);
        assert!(pieces.len() > 5);
        assert!(pieces.iter().all(|p| p.request.encoded_len() <= 400));
        assert_eq!(pieces.iter().map(|p| p.n_points).sum::<u64>(), 100);
        let sent = pieces.into_iter().flat_map(|p| p.request.timeseries);
        assert!(sent.eq(series.into_iter().map(|w| w.series)), "in order");
    }

    #[test]
    fn a_series_beyond_the_bound_stands_alone() {
        let series = vec![weighed("a"), weighed(&"b".repeat(100)), weighed("c")];
        let pieces = split(series, Vec::new(), 50);
        assert_eq!(pieces.len(), 3);
        assert!(split(Vec::new(), Vec::new(), 50).is_empty());
    }
}
