//! Spans, metric points and log records as an instrumented HTTP server makes them.

use super::piece::{Piece, What};
use super::words::Words;

/// Spans of one trace that stand together.
pub(super) const SPANS_PER_TRACE: usize = 8;
/// Points of one metric in one request.
pub(super) const POINTS_PER_METRIC: usize = 10;

const MICROSECOND: u64 = 1_000;
const METHODS: [&str; 4] = ["GET", "GET", "POST", "PUT"];
const CODES: [u64; 6] = [200, 200, 200, 201, 404, 500];
const LEVELS: [(u64, &str); 5] =
    [(9, "INFO"), (9, "INFO"), (9, "INFO"), (13, "WARN"), (17, "ERROR")];
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36";
/// Tag, lengths and key of the attribute that brings an item to its size.
const FILL_OVERHEAD: usize = 24;

/// What all items of a run share.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) run: u64,
    /// Bytes of one item.
    pub(super) n_bytes: usize,
    /// When a cumulative series begins: nanoseconds since the epoch.
    pub(super) since: u64,
    pub(super) words: Words,
}

impl Maker {
    /// The `item`th span of a request.
    pub(super) fn span(&mut self, item: usize) -> Piece {
        let took = (1 + self.words.below(90_000)) * MICROSECOND;
        let mut span = Piece::default();
        span.id(1, item, 16, What::Trace);
        span.id(2, item, 8, What::Span);
        if !item.is_multiple_of(SPANS_PER_TRACE) {
            span.id(4, item, 8, What::Root);
        }
        let (method, noun) = (self.words.pick(&METHODS), self.words.noun());
        span.text(5, format!("{method} /api/{noun}s/{{id}}"));
        span.varint(6, 2);
        span.time(7, item, took + 50 * MICROSECOND);
        span.time(8, item, 50 * MICROSECOND);
        span.marks(9, self.run, item);
        span.attribute(9, "http.request.method", method);
        span.number(9, "http.response.status_code", self.words.pick(&CODES));
        self.fill(&mut span, 9, "url.path", Some(noun));
        span
    }

    /// One log record.
    pub(super) fn record(&mut self, item: usize) -> Piece {
        let mut record = Piece::default();
        record.time(1, item, 10 * MICROSECOND);
        let (number, text) = self.words.pick(&LEVELS);
        record.varint(2, number);
        record.text(3, text);
        let mut body = Piece::default();
        body.text(1, format!("{} {} handled", self.words.noun(), self.words.below(1_000_000)));
        record.message(5, &body);
        record.marks(6, self.run, item);
        record.attribute(6, "logger.name", "bench.server");
        self.fill(&mut record, 6, "exception.text", None);
        record.id(9, item, 16, What::Trace);
        record.id(10, item, 8, What::Span);
        record.time(11, item, 0);
        record
    }

    /// One metric with the points of the items `from` to before `to`.
    pub(super) fn metric(&mut self, from: usize, to: usize) -> Piece {
        let noun = self.words.noun();
        let (mut metric, mut data) = (Piece::default(), Piece::default());
        let (name, unit, kind) = match (from / POINTS_PER_METRIC) % 3 {
            0 => ("requests", "{request}", 7),
            1 => ("memory", "By", 5),
            _ => ("duration", "s", 9),
        };
        metric.text(1, format!("bench.{noun}.{name}"));
        metric.text(2, format!("The {name} of each {noun}."));
        metric.text(3, unit);
        for item in from..to {
            let point = if kind == 9 { self.buckets(item) } else { self.number(item) };
            data.message(1, &point);
        }
        if kind != 5 {
            data.varint(2, 2);
        }
        if kind == 7 {
            data.varint(3, 1);
        }
        metric.message(kind, &data);
        metric
    }

    fn number(&mut self, item: usize) -> Piece {
        let mut point = Piece::default();
        point.fixed64(2, self.since);
        point.time(3, item, 0);
        point.fixed64(6, self.words.below(1 << 40));
        self.labels(&mut point, 7, item);
        point
    }

    fn buckets(&mut self, item: usize) -> Piece {
        const BOUNDS: [f64; 6] = [0.005, 0.025, 0.1, 0.5, 2.5, 10.0];
        let counts: Vec<u64> = (0..=BOUNDS.len()).map(|_| self.words.below(1_000)).collect();
        let bytes =
            |values: &[u64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
        let mut point = Piece::default();
        point.fixed64(2, self.since);
        point.time(3, item, 0);
        point.fixed64(4, counts.iter().sum());
        point.fixed64(5, 1234.5_f64.to_bits());
        point.text(6, bytes(&counts));
        point.text(7, bytes(&BOUNDS.map(f64::to_bits)));
        self.labels(&mut point, 9, item);
        point
    }

    fn labels(&mut self, point: &mut Piece, number: u32, item: usize) {
        point.marks(number, self.run, item);
        point.attribute(number, "http.request.method", self.words.pick(&METHODS));
        point.number(number, "http.response.status_code", self.words.pick(&CODES));
        self.fill(point, number, "url.template", None);
    }

    /// Brings an item to its size: a path or text that differs from item to item, and in large
    /// items a user agent and the text of a query as well.
    fn fill(&mut self, item: &mut Piece, number: u32, key: &str, noun: Option<&str>) {
        if self.n_bytes > item.bytes.len() + 300 {
            item.attribute(number, "user_agent.original", AGENT);
            let id = self.words.next();
            item.attribute(number, "session.id", format!("{id:016x}"));
            let half = (self.n_bytes - item.bytes.len()) / 2;
            item.attribute(number, "db.query.text", self.words.sentence(half));
        }
        let room = self.n_bytes.saturating_sub(item.bytes.len() + FILL_OVERHEAD);
        let start = noun.map(|n| format!("/api/{n}s/{:06x} ", self.words.below(1 << 24)));
        let mut text = start.unwrap_or_default();
        if room == 0 {
            return;
        }
        text.truncate(room);
        let rest = room - text.len();
        text.push_str(&self.words.sentence(rest));
        item.attribute(number, key, text);
    }
}
