//! Everything one pipeline knows, and its form in the checkpoint.
//!
//! ```text
//! state: "SLOTRACK" · version · timeline · missed items · n × { id · fingerprint · length · account } · counters
//! ```
//!
//! # Invariants
//! 1. It depends on the records it was shown and on nothing else: a replay leads to the same bytes.
//! 2. What was counted for an objective that is not there any more, or that counts something else now, is left out when
//!    it is read; a changed target or other windows leave the counts as they are.

use std::sync::Arc;

use collector_otlp::Signal;
use collector_pipeline::log::Record;

use crate::account::Account;
use crate::bytes::{Reader, put, put_bytes};
use crate::count::metrics::{CounterStates, Increase, Spender};
use crate::count::spans::{Event, Fault};
use crate::counts::Sum;
use crate::objectives::Objectives;
use crate::spending::Blame;
use crate::time::{Moment, Timeline};

const MAGIC: [u8; 8] = *b"SLOTRACK";
const VERSION: u64 = 1;
/// The records after which memory is looked at again.
const LOOK_EVERY: u32 = 256;

/// What one pipeline knows.
#[derive(Debug, Clone)]
pub struct Tracked {
    objectives: Arc<Objectives>,
    pub(crate) time: Timeline,
    pub(crate) accounts: Vec<Account>,
    counters: CounterStates,
    /// Items that went before they could be read.
    pub(crate) n_missed: u64,
    /// Nanoseconds from the end of the oldest span of the latest record until it counted.
    pub(crate) lateness: Option<u64>,
    n_looked: u32,
}

/// A state that is none of ours.
#[derive(Debug, thiserror::Error)]
#[error("the state in the checkpoint cannot be read: {0}")]
pub struct BadState(&'static str);

impl Tracked {
    /// Without events.
    #[must_use]
    pub fn new(objectives: Arc<Objectives>) -> Self {
        let since = Moment::default();
        let accounts = objectives.all.iter().map(|o| Account::new(o, since)).collect();
        Self {
            objectives,
            time: Timeline::default(),
            accounts,
            counters: CounterStates::default(),
            n_missed: 0,
            lateness: None,
            n_looked: 0,
        }
    }

    /// Counts a record.
    pub fn observe(&mut self, record: &Record) {
        self.observe_payload(record.batch.signal, &record.batch.payload, record.received_at);
    }

    /// Counts the payload of a request that was received at an instant, in nanoseconds since the epoch.
    pub fn observe_payload(&mut self, signal: Signal, payload: &[u8], received_at: u64) {
        let is_first = self.time == Timeline::default();
        let at = self.time.place(received_at);
        if is_first {
            let all = self.objectives.all.iter();
            self.accounts = all.map(|o| Account::new(o, at)).collect();
        }
        match signal {
            Signal::Traces => self.observe_spans(payload, at),
            Signal::Metrics => self.observe_metrics(payload, at),
            Signal::Logs => {}
        }
        for account in &mut self.accounts {
            account.settle(at);
        }
        self.n_looked += 1;
        if self.n_looked >= LOOK_EVERY {
            self.n_looked = 0;
            self.bound(at);
        }
    }

    fn observe_spans(&mut self, payload: &[u8], at: Moment) {
        let Self { objectives, accounts, lateness, .. } = self;
        let limits = objectives.limits;
        let mut earliest = u64::MAX;
        objectives.spans.walk(payload, |event: &Event<'_>| {
            let Some(objective) = objectives.all.get(event.objective) else { return };
            let Some(account) = accounts.get_mut(event.objective) else { return };
            let sum = Sum::of(event.bad.is_some());
            account.count(objective, event.group, sum, limits.max_groups, at);
            earliest = earliest.min(event.span.end_time_unix_nano);
            if let Some(fault) = event.bad {
                let error = match fault {
                    Fault::Error("") => "error",
                    Fault::Error(error) => error,
                    Fault::Slow => "too slow",
                    Fault::Attribute(key) => key,
                };
                let span = event.span;
                let (service, operation) = (event.service, span.name);
                let trace = Some((span.trace_id.0, span.duration_nanos()));
                let blame = Blame { service, operation, error, n: 1, at: at.wall(), trace };
                account.spending.add(&blame, limits.max_traces);
            }
        });
        *lateness = (earliest < u64::MAX).then(|| (at.wall_nanos()).saturating_sub(earliest));
    }

    fn observe_metrics(&mut self, payload: &[u8], at: Moment) {
        let Self { objectives, accounts, counters, .. } = self;
        let limits = objectives.limits;
        let since: Vec<u64> = accounts.iter().map(|a| a.since_wall(at)).collect();
        let spender = |found: &Spender<'_>| {
            let Some(account) = accounts.get_mut(found.objective) else { return };
            let Spender { service, metric: operation, error, n, .. } = *found;
            let mut blame = Blame { service, operation, error, n, at: at.wall(), trace: None };
            account.spending.add(&blame, limits.max_traces);
            blame.n = 0;
            for trace in found.traces {
                let blame = Blame { trace: Some((*trace, 0)), ..blame };
                account.spending.add(&blame, limits.max_traces);
            }
        };
        let bounded = (counters, limits.max_series);
        let increases = objectives.metrics.walk(payload, at, bounded, &since, spender);
        for Increase { objective: at_place, group, sum } in increases {
            let Some(objective) = objectives.all.get(at_place) else { continue };
            let Some(account) = accounts.get_mut(at_place) else { continue };
            account.count(objective, &group, sum, limits.max_groups, at);
        }
    }

    /// Lets groups go, the largest first, where all together take more than they may, and causes nobody saw for a period.
    fn bound(&mut self, at: Moment) {
        let mut n_bytes = self.n_bytes();
        while n_bytes > self.objectives.limits.max_bytes {
            let largest = self.accounts.iter_mut().max_by_key(|a| a.groups.n_bytes());
            if !largest.is_some_and(|account| account.groups.shed()) {
                break;
            }
            n_bytes = self.n_bytes();
        }
        for (account, objective) in self.accounts.iter_mut().zip(&self.objectives.all) {
            let oldest = at.wall().saturating_sub(objective.period.length().0);
            account.spending.forget_before(oldest);
        }
    }

    /// Bytes that all counts take.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        self.accounts.iter().map(Account::n_bytes).sum::<usize>() + self.counters.n_bytes()
    }

    /// Counter series that were not counted because there are as many as there may be.
    #[must_use]
    pub fn n_refused_series(&self) -> u64 {
        self.counters.n_refused
    }

    /// Everything, as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        put(&mut out, VERSION);
        self.time.parts().iter().for_each(|n| put(&mut out, *n));
        put(&mut out, self.n_missed);
        put(&mut out, self.accounts.len() as u64);
        let now = self.time.latest();
        let mut body = Vec::new();
        for (account, objective) in self.accounts.iter().zip(&self.objectives.all) {
            body.clear();
            account.encode(now, &mut body);
            put_bytes(&mut out, objective.id.as_bytes());
            out.extend_from_slice(&objective.fingerprint().to_le_bytes());
            put_bytes(&mut out, &body);
        }
        self.counters.encode(&mut out);
        out
    }

    /// Reads what [`Self::encode`] wrote; nothing at all is a beginning.
    pub fn decode(objectives: Arc<Objectives>, state: &[u8]) -> Result<Self, BadState> {
        let mut new = Self::new(objectives);
        if state.is_empty() {
            return Ok(new);
        }
        let mut rest = Reader(state);
        if rest.array() != Some(MAGIC) {
            return Err(BadState("it is no tracker's"));
        }
        if rest.u64() != Some(VERSION) {
            return Err(BadState("its form is of another version"));
        }
        new.read(&mut rest).ok_or(BadState("a field is cut short or impossible"))?;
        if rest.0.is_empty() { Ok(new) } else { Err(BadState("it is too long")) }
    }

    fn read(&mut self, rest: &mut Reader<'_>) -> Option<()> {
        self.time = Timeline::of_parts([rest.u64()?, rest.u64()?])?;
        self.n_missed = rest.u64()?;
        let now = self.time.latest();
        let fresh = self.objectives.all.iter().map(|o| Account::new(o, now));
        self.accounts = fresh.collect();
        for _ in 0..rest.len()? {
            let id = rest.text()?;
            let fingerprint = u128::from_le_bytes(rest.array()?);
            let mut body = Reader(rest.bytes()?);
            let same = |o: &crate::Objective| o.id == id && o.fingerprint() == fingerprint;
            let Some(at) = self.objectives.all.iter().position(same) else { continue };
            self.accounts[at] = Account::decode(&mut body, &self.objectives.all[at])?;
            if !body.0.is_empty() {
                return None;
            }
        }
        self.counters = CounterStates::decode(rest)?;
        Some(())
    }
}
