//! What spent the budget: causes by operation and error, with the latest traces of each.
//!
//! # Invariants
//! 1. At most [`MAX_CAUSES`] causes are kept (space saving, Metwally and others 2005): a new one takes the place of the
//!    rarest and its number, so that a number is too high by at most [`Cause::over`], and whatever made more than the
//!    `1/MAX_CAUSES`th part of all bad events is there.

use std::collections::VecDeque;

use serde::Serialize;

use crate::bytes::{Reader, put, put_bytes};
use crate::text::cut;

/// Causes that an objective keeps.
pub const MAX_CAUSES: usize = 20;
/// Operations and errors are cut at so many bytes.
const MAX_TEXT: usize = 128;

/// The causes of one objective.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spending {
    causes: Vec<Cause>,
}

/// An operation that failed in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Service and span, or the metric.
    pub operation: String,
    /// What went wrong.
    pub error: String,
    /// Bad events, those of others it took the place of included.
    pub n: u64,
    /// How many of them may be others'.
    pub over: u64,
    /// Seconds since the epoch of the first and the latest.
    pub first: u64,
    /// See `first`.
    pub last: u64,
    /// The latest traces, oldest first.
    pub traces: VecDeque<Spent>,
}

/// A trace that spent budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// The trace.
    pub trace: [u8; 16],
    /// When the event counted, in seconds since the epoch.
    pub at: u64,
    /// How long it took, in nanoseconds; 0 where that is not known.
    pub duration: u64,
}

/// A bad event and what is known about it.
#[derive(Debug, Clone, Copy)]
pub struct Blame<'b> {
    /// The service; may be empty.
    pub service: &'b str,
    /// The span or the metric.
    pub operation: &'b str,
    /// What went wrong.
    pub error: &'b str,
    /// Bad events.
    pub n: u64,
    /// Seconds since the epoch.
    pub at: u64,
    /// The trace, where there is one.
    pub trace: Option<([u8; 16], u64)>,
}

impl Spending {
    /// Takes a bad event in; of each cause the latest `max_traces` traces are kept.
    pub fn add(&mut self, blame: &Blame<'_>, max_traces: usize) {
        let at = self.place(blame);
        let Some(cause) = self.causes.get_mut(at) else { return };
        cause.n = cause.n.saturating_add(blame.n);
        cause.last = blame.at;
        if let Some((trace, duration)) = blame.trace
            && !cause.traces.iter().any(|known| known.trace == trace)
        {
            cause.traces.push_back(Spent { trace, at: blame.at, duration });
            while cause.traces.len() > max_traces {
                cause.traces.pop_front();
            }
        }
    }

    fn place(&mut self, blame: &Blame<'_>) -> usize {
        let error = cut(blame.error, MAX_TEXT);
        let whole = match blame.service {
            "" => blame.operation.to_owned(),
            service => format!("{service}: {}", blame.operation),
        };
        let operation = cut(&whole, MAX_TEXT);
        let is_it = |cause: &Cause| cause.error == error && cause.operation == operation;
        if let Some(at) = self.causes.iter().position(is_it) {
            return at;
        }
        let fresh = Cause {
            operation: operation.to_owned(),
            error: error.to_owned(),
            n: 0,
            over: 0,
            first: blame.at,
            last: blame.at,
            traces: VecDeque::new(),
        };
        if self.causes.len() < MAX_CAUSES {
            self.causes.push(fresh);
            return self.causes.len() - 1;
        }
        let rarest = self.causes.iter().enumerate().min_by_key(|(_, c)| c.n);
        let at = rarest.map_or(0, |(at, _)| at);
        let n = self.causes[at].n;
        self.causes[at] = Cause { n, over: n, ..fresh };
        at
    }

    /// Forgets causes that have not been seen since.
    pub fn forget_before(&mut self, at: u64) {
        self.causes.retain(|cause| cause.last >= at);
    }

    /// The causes, those that spent most first.
    pub fn causes(&self) -> Vec<&Cause> {
        let mut all: Vec<&Cause> = self.causes.iter().collect();
        all.sort_by(|a, b| b.n.cmp(&a.n).then_with(|| a.operation.cmp(&b.operation)));
        all
    }

    pub(crate) fn n_bytes(&self) -> usize {
        let one = |c: &Cause| {
            size_of::<Cause>()
                + c.operation.len()
                + c.error.len()
                + c.traces.len() * size_of::<Spent>()
        };
        self.causes.iter().map(one).sum()
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.causes.len() as u64);
        for cause in &self.causes {
            put_bytes(out, cause.operation.as_bytes());
            put_bytes(out, cause.error.as_bytes());
            for n in [cause.n, cause.over, cause.first, cause.last] {
                put(out, n);
            }
            put(out, cause.traces.len() as u64);
            for spent in &cause.traces {
                out.extend_from_slice(&spent.trace);
                put(out, spent.at);
                put(out, spent.duration);
            }
        }
    }

    pub(crate) fn decode(rest: &mut Reader<'_>) -> Option<Self> {
        let mut causes = Vec::new();
        let n = rest.len().filter(|n| *n <= MAX_CAUSES)?;
        for _ in 0..n {
            let (operation, error) = (rest.text()?.to_owned(), rest.text()?.to_owned());
            let (n, over, first, last) = (rest.u64()?, rest.u64()?, rest.u64()?, rest.u64()?);
            let mut traces = VecDeque::new();
            for _ in 0..rest.len()? {
                let trace = rest.array()?;
                traces.push_back(Spent { trace, at: rest.u64()?, duration: rest.u64()? });
            }
            causes.push(Cause { operation, error, n, over, first, last, traces });
        }
        Some(Self { causes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blame<'b>(operation: &'b str, error: &'b str, at: u64) -> Blame<'b> {
        let trace = Some(([u8::try_from(at % 251).unwrap(); 16], 5));
        Blame { service: "shop", operation, error, n: 1, at, trace }
    }

    #[test]
    fn what_spends_most_is_kept_and_its_number_is_bounded() {
        let mut spending = Spending::default();
        for at in 0..10_000 {
            // Every other event is one cause's, the rest is spread over five hundred.
            let other = format!("GET /{}", at % 997 / 2);
            let operation = if at % 2 == 0 { "POST /pay" } else { &other };
            spending.add(&blame(operation, "timeout", at), 3);
        }
        let causes = spending.causes();
        assert_eq!(causes.len(), MAX_CAUSES);
        assert_eq!(
            (causes[0].operation.as_str(), causes[0].n - causes[0].over),
            ("shop: POST /pay", 5_000)
        );
        assert_eq!(causes.iter().map(|c| c.n).sum::<u64>(), 10_000);
        let latest: Vec<u64> = causes[0].traces.iter().map(|t| t.at).collect();
        assert_eq!(latest, [9_994, 9_996, 9_998]);
    }

    #[test]
    fn long_names_are_one_cause_however_long() {
        let (service, operation) = ("s".repeat(200), "o".repeat(200));
        for service in ["", "shop", &service] {
            let mut spending = Spending::default();
            for at in 0..3 {
                spending.add(&Blame { service, ..blame(&operation, &operation, at) }, 3);
            }
            assert_eq!(spending.causes().len(), 1, "{}", service.len());
            assert_eq!(spending.causes()[0].operation.len(), MAX_TEXT);
        }
    }

    #[test]
    fn it_comes_back() {
        let mut spending = Spending::default();
        for at in 0..50 {
            spending.add(&blame(&format!("op-{}", at % 30), "e", at), 2);
        }
        let mut bytes = Vec::new();
        spending.encode(&mut bytes);
        assert_eq!(Spending::decode(&mut Reader(&bytes)), Some(spending.clone()));
        spending.forget_before(45);
        assert!(spending.causes().len() < 10);
    }
}
