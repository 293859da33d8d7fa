//! Jaeger's query parameters, and those of the log query, which are made alike.

use std::collections::BTreeMap;

use collector_otlp::TraceId;

use super::model::read_trace_id;
use crate::logs::LogQuery;
use crate::scope::TimeRange;
use crate::trace_query::TraceQuery;

/// Traces answered without a limit, as Jaeger does.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_500;
const DEFAULT_LOG_LIMIT: usize = 1_000;
const MAX_LOG_LIMIT: usize = 10_000;
/// How far before its end a search without a start looks, as Jaeger does: two days.
const LOOK_BACK: u64 = 48 * 3_600 * 1_000_000_000;
const NANOS_PER_MICRO: u64 = 1_000;

/// A parameter that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A parameter is absent.
    #[error("parameter '{0}' is required")]
    Missing(&'static str),
    /// A parameter is not what it should be.
    #[error("parameter '{name}' is not {wanted}: {value}")]
    Malformed {
        /// The parameter.
        name: &'static str,
        /// What it should be.
        wanted: &'static str,
        /// What it is, cut short.
        value: String,
    },
    /// The bounds of a range are the wrong way round.
    #[error("'{0}' should not be greater than '{1}'")]
    Inverted(&'static str, &'static str),
}

/// Decoded pairs of a query string.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters<'a>(pub(crate) &'a [(String, String)]);

/// What `/api/traces` asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TracesWanted {
    Named(Vec<TraceId>),
    Matching(TraceQuery),
}

impl<'a> Parameters<'a> {
    /// The parameter's first value; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let ours = self.0.iter().filter(move |(key, _)| key == name);
        ours.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn number(&self, name: &'static str) -> Result<Option<u64>, QueryError> {
        let read = |text: &str| text.parse().map_err(|_| malformed(name, "a whole number", text));
        self.get(name).map(read).transpose()
    }

    /// `start` and `end` in microseconds since the epoch.
    fn range(&self, now: u64) -> Result<TimeRange, QueryError> {
        let nanos = |micros: u64| micros.saturating_mul(NANOS_PER_MICRO);
        // The last microsecond counts whole.
        let to =
            self.number("end")?.map_or(now, |end| nanos(end).saturating_add(NANOS_PER_MICRO - 1));
        let from = self.number("start")?.map_or(to.saturating_sub(LOOK_BACK), nanos);
        if from > to {
            Err(QueryError::Inverted("start", "end"))
        } else {
            Ok(TimeRange { from, to })
        }
    }

    fn limit(&self, default: usize, most: usize) -> Result<usize, QueryError> {
        let limit = self.number("limit")?.map_or(default, |n| usize::try_from(n).unwrap_or(most));
        Ok(limit.clamp(1, most))
    }

    /// The parameters of a search for traces, or the ids it names. `now` is in nanoseconds.
    pub(crate) fn traces(&self, now: u64) -> Result<TracesWanted, QueryError> {
        let named: Result<Vec<_>, _> = self.all("traceID").map(trace_id).collect();
        let named = named?;
        if !named.is_empty() {
            return Ok(TracesWanted::Named(named));
        }
        let min_duration = self.duration("minDuration")?;
        let max_duration = self.duration("maxDuration")?;
        if let (Some(least), Some(most)) = (min_duration, max_duration)
            && least > most
        {
            return Err(QueryError::Inverted("minDuration", "maxDuration"));
        }
        Ok(TracesWanted::Matching(TraceQuery {
            service: Some(self.get("service").ok_or(QueryError::Missing("service"))?.to_owned()),
            operation: self.get("operation").map(str::to_owned),
            tags: self.tags()?,
            range: self.range(now)?,
            min_duration,
            max_duration,
            limit: self.limit(DEFAULT_LIMIT, MAX_LIMIT)?,
        }))
    }

    /// The parameters of a search for log lines. `now` is in nanoseconds.
    pub(crate) fn logs(&self, now: u64) -> Result<LogQuery, QueryError> {
        let trace = self.get("trace_id").map(trace_id).transpose()?;
        let bounded = self.get("start").is_some() || self.get("end").is_some();
        let whole = trace.is_some() && !bounded;
        Ok(LogQuery {
            trace,
            range: if whole { TimeRange::ALL } else { self.range(now)? },
            limit: self.limit(DEFAULT_LOG_LIMIT, MAX_LOG_LIMIT)?,
        })
    }

    /// `tags={"key":"value"}` and `tag=key:value`, both as often as wanted.
    fn tags(&self) -> Result<Vec<(String, String)>, QueryError> {
        let mut tags = BTreeMap::new();
        for pair in self.all("tag") {
            let (key, value) = pair
                .split_once(':')
                .ok_or_else(|| malformed("tag", "of the form key:value", pair))?;
            tags.insert(key.to_owned(), value.to_owned());
        }
        for text in self.all("tags") {
            let map: BTreeMap<String, String> = serde_json::from_str(text)
                .map_err(|_| malformed("tags", "a JSON object of texts", text))?;
            tags.extend(map);
        }
        Ok(tags.into_iter().collect())
    }

    fn duration(&self, name: &'static str) -> Result<Option<u64>, QueryError> {
        let wanted = "a duration such as 1.2s, 100ms or 500us";
        let read = |text: &str| micros(text).ok_or_else(|| malformed(name, wanted, text));
        self.get(name).map(read).transpose()
    }
}

/// A trace id from a path or parameter.
pub(crate) fn trace_id(text: &str) -> Result<TraceId, QueryError> {
    read_trace_id(text).ok_or_else(|| malformed("traceID", "up to 32 hex digits", text))
}

/// Microseconds of a duration as Go writes it (`1h2m3.5s`), whole below a microsecond.
fn micros(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut nanos = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at(digits);
        let unit_len = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_len);
        let factor = match unit {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3_600e9,
            _ => return None,
        };
        nanos += number.parse::<f64>().ok()? * factor;
        rest = tail;
    }
    if text.is_empty() {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative by its grammar, and the cast saturates"
    )]
    let micros = (nanos / 1e3) as u64;
    Some(micros)
}

fn malformed(name: &'static str, wanted: &'static str, value: &str) -> QueryError {
    QueryError::Malformed { name, wanted, value: value.chars().take(64).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<TracesWanted, QueryError> {
        let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Parameters(&pairs).traces(3 * LOOK_BACK)
    }

    #[test]
    fn durations_are_go_durations() {
        let cases = [
            ("1.2s", Some(1_200_000)),
            ("100ms", Some(100_000)),
            ("1m1s", Some(61_000_000)),
            ("7us", Some(7)),
            ("0.5µs", Some(0)),
            ("5", None),
            ("s", None),
            ("", None),
            ("-1s", None),
            ("1.2.3s", None),
        ];
        for (text, want) in cases {
            assert_eq!(micros(text), want, "{text}");
        }
    }

    #[test]
    fn a_search_takes_jaegers_defaults() {
        let TracesWanted::Matching(query) = parse(&[("service", "nestr")]).unwrap() else {
            panic!()
        };
        assert_eq!(query.limit, 100);
        assert_eq!(query.range, TimeRange { from: 2 * LOOK_BACK, to: 3 * LOOK_BACK });
    }

    #[test]
    fn both_forms_of_tags_are_read() {
        let pairs = [("service", "s"), ("tag", "a:b:c"), ("tags", r#"{"error":"true"}"#)];
        let TracesWanted::Matching(query) = parse(&pairs).unwrap() else { panic!() };
        let want = [("a", "b:c"), ("error", "true")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(query.tags, want);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert_eq!(parse(&[]), Err(QueryError::Missing("service")));
        for (name, value) in [
            ("start", "yesterday"),
            ("limit", "-1"),
            ("tags", "error=true"),
            ("tag", "error"),
            ("minDuration", "soon"),
        ] {
            let refusal = parse(&[("service", "s"), (name, value)]);
            assert!(
                matches!(refusal, Err(QueryError::Malformed { name: n, .. }) if n == name),
                "{name}: {refusal:?}"
            );
        }
        let inverted = [("service", "s"), ("minDuration", "2s"), ("maxDuration", "1s")];
        assert!(matches!(parse(&inverted), Err(QueryError::Inverted(..))));
    }
}
