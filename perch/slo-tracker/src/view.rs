//! What all pipelines of a tracker know together, to be asked from anywhere.
//!
//! # Invariants
//! 1. An objective's numbers are the sums of what its pipelines counted.
//! 2. Asking moves nothing but the budget's state, which has hysteresis and so depends on when it is looked at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use durable_fs::Clock;
use slo::length::Length;

use crate::account::Account;
use crate::burn;
use crate::counts::Sum;
use crate::objective::{Counted, Objective};
use crate::objectives::Objectives;
use crate::policy::{Policy, PolicyState};
use crate::status::{
    CauseStatus, GroupStatus, History, Status, TierStatus, TraceStatus, WindowStatus,
};
use crate::time::Moment;
use crate::tracked::Tracked;

/// What a tracker knows; clones are one.
#[derive(Debug, Clone)]
pub struct View(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    objectives: Arc<Objectives>,
    policy: Policy,
    clock: Arc<dyn Clock>,
    pipelines: Mutex<BTreeMap<String, Pipeline>>,
    /// The state of each objective's budget.
    states: Mutex<Vec<PolicyState>>,
}

/// One pipeline's counts.
#[derive(Debug, Clone)]
struct Pipeline {
    tracked: Arc<Mutex<Tracked>>,
    published: Published,
}

/// What Prometheus was told, so that no counter ever falls while the process lives.
#[derive(Debug, Clone, Default)]
struct Published {
    /// What had been counted before this process received anything: the one before it told Prometheus of that.
    before: Option<Vec<(u64, u64)>>,
    told: Vec<(u64, u64)>,
}

/// Totals of an objective since the process began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) id: String,
    pub(crate) good: u64,
    pub(crate) bad: u64,
    pub(crate) n_overflow: u64,
}

impl View {
    /// Without pipelines.
    #[must_use]
    pub fn new(objectives: Arc<Objectives>, policy: Policy, clock: Arc<dyn Clock>) -> Self {
        let states = Mutex::new(vec![PolicyState::Ok; objectives.all.len()]);
        Self(Arc::new(Inner { objectives, policy, clock, pipelines: Mutex::default(), states }))
    }

    /// Shows what a pipeline counts from now on; what it counted before a panic is forgotten with the counts.
    pub fn join(&self, pipeline: &str, tracked: Arc<Mutex<Tracked>>) {
        {
            let (mut states, tracked) = (lock(&self.0.states), lock(&tracked));
            for (state, account) in states.iter_mut().zip(&tracked.accounts) {
                *state = (*state).max(account.policy);
            }
        }
        let mut pipelines = lock(&self.0.pipelines);
        let published = pipelines.get(pipeline).map(|p| p.published.clone()).unwrap_or_default();
        pipelines.insert(pipeline.to_owned(), Pipeline { tracked, published });
    }

    /// A pipeline has read everything that was there before this process: what comes now is news.
    pub(crate) fn goes_live(&self, pipeline: &str) {
        let mut pipelines = lock(&self.0.pipelines);
        let Some(pipeline) = pipelines.get_mut(pipeline) else { return };
        if pipeline.published.before.is_none() {
            pipeline.published.before = Some(all(&lock(&pipeline.tracked)));
        }
    }

    /// All objectives.
    #[must_use]
    pub fn all(&self) -> Vec<Status> {
        (0..self.0.objectives.all.len()).filter_map(|at| self.status(at)).collect()
    }

    /// One objective.
    #[must_use]
    pub fn one(&self, id: &str) -> Option<Status> {
        self.status(self.place(id)?)
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.0.objectives.all.iter().position(|o| o.id == id)
    }

    /// What is known of an objective's past.
    #[must_use]
    pub fn history(&self, id: &str) -> Option<History> {
        let at = self.place(id)?;
        let (mut buckets, mut step) = (BTreeMap::<u64, Sum>::new(), 60);
        for (tracked, now) in self.tracked() {
            let tracked = lock(&tracked);
            for (begin, length, sum) in tracked.accounts.get(at)?.whole.history() {
                step = length;
                *buckets.entry(begin.saturating_sub(now.shift())).or_default() += sum;
            }
        }
        let shown = |(begin, sum): (u64, Sum)| {
            let counts = sum.counts();
            (begin, counts.bad, counts.total)
        };
        let now = self.0.clock.unix_nanos() / 1_000_000_000;
        let buckets = buckets.into_iter().map(shown).collect();
        Some(History { id: id.to_owned(), now, step, buckets })
    }

    /// The pipelines' counts, and what time it is for each.
    fn tracked(&self) -> Vec<(Arc<Mutex<Tracked>>, Moment)> {
        let wall = self.0.clock.unix_nanos();
        let pipelines = lock(&self.0.pipelines);
        let one = |p: &Pipeline| {
            let now = lock(&p.tracked).time.at(wall);
            (Arc::clone(&p.tracked), now)
        };
        pipelines.values().map(one).collect()
    }

    fn status(&self, at: usize) -> Option<Status> {
        let objective = self.0.objectives.all.get(at)?;
        let mut sums = vec![Sum::NONE; objective.resolution.n_windows()];
        let mut groups: BTreeMap<Vec<String>, Vec<Sum>> = BTreeMap::new();
        let (mut spending, mut known) = (Vec::new(), 0);
        for (tracked, now) in self.tracked() {
            let tracked = lock(&tracked);
            let Some(account) = tracked.accounts.get(at) else { continue };
            if tracked.time != crate::time::Timeline::default() {
                known = known.max(account.age(now));
            }
            add_windows(&mut sums, objective, account, now);
            for group in account.groups.iter() {
                let own =
                    groups.entry(group.values()).or_insert_with(|| vec![Sum::NONE; sums.len()]);
                for (n, sum) in own.iter_mut().enumerate() {
                    *sum += group.series.sum(&objective.resolution, n, now);
                }
            }
            spending.extend(account.spending.causes().into_iter().map(cause));
        }
        spending.sort_by_key(|cause: &CauseStatus| std::cmp::Reverse(cause.bad));
        let counts: Vec<_> = sums.iter().map(|s| s.counts()).collect();
        let left = burn::left(*counts.last()?, objective.budget);
        let state = self.next_state(at, left);
        let named = objective.window_names().zip(&counts);
        let windows = named.map(|(w, c)| WindowStatus::new(w, *c, objective.budget)).collect();
        let period_seconds = objective.period.length().0;
        Some(Status {
            id: objective.id.clone(),
            service: objective.service.clone(),
            name: objective.name.clone(),
            description: objective.description.clone(),
            target: objective.target,
            period: objective.window_names().last()?,
            counts: match objective.counts {
                Counted::Spans(_) => "spans".to_owned(),
                Counted::Metrics(_) => "metrics".to_owned(),
            },
            state,
            budget_remaining: left,
            exhausted_in_seconds: exhausted_in(objective, &sums, left),
            known_seconds: known.min(period_seconds),
            period_seconds,
            windows,
            tiers: tiers(objective, &sums),
            group_by: objective.group_by.clone(),
            groups: group_statuses(objective, groups, &sums),
            spending,
        })
    }

    fn next_state(&self, at: usize, left: f64) -> PolicyState {
        let mut states = lock(&self.0.states);
        let Some(state) = states.get_mut(at) else { return PolicyState::Ok };
        *state = self.0.policy.next(*state, left);
        *state
    }

    /// The states of all budgets, for a checkpoint.
    pub(crate) fn states(&self) -> Vec<PolicyState> {
        lock(&self.0.states).clone()
    }

    /// Totals since the process began.
    pub(crate) fn totals(&self) -> Vec<Totals> {
        let zero = |o: &Objective| Totals { id: o.id.clone(), good: 0, bad: 0, n_overflow: 0 };
        let mut totals: Vec<Totals> = self.0.objectives.all.iter().map(zero).collect();
        for pipeline in lock(&self.0.pipelines).values_mut() {
            let tracked = lock(&pipeline.tracked);
            pipeline.published.tell(&all(&tracked));
            let told = pipeline.published.told.iter().zip(&tracked.accounts);
            for (sum, ((good, bad), account)) in totals.iter_mut().zip(told) {
                sum.good += good;
                sum.bad += bad;
                sum.n_overflow += account.groups.n_overflow;
            }
        }
        totals
    }

    /// Bytes of all counts, and points of counters that were not counted.
    pub(crate) fn weight(&self) -> (usize, u64) {
        let one = |(tracked, _): (Arc<Mutex<Tracked>>, Moment)| {
            let tracked = lock(&tracked);
            (tracked.n_bytes(), tracked.n_refused_series())
        };
        self.tracked().into_iter().map(one).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
    }
}

impl Published {
    fn tell(&mut self, all: &[(u64, u64)]) {
        self.told.resize(all.len(), (0, 0));
        let Some(before) = &self.before else { return };
        for ((told, all), before) in self.told.iter_mut().zip(all).zip(before) {
            told.0 = told.0.max(all.0.saturating_sub(before.0));
            told.1 = told.1.max(all.1.saturating_sub(before.1));
        }
    }
}

/// Good and bad events of all objectives of a pipeline, since ever.
fn all(tracked: &Tracked) -> Vec<(u64, u64)> {
    let one = |account: &Account| {
        let all = account.whole.all();
        (all.total - all.bad, all.bad)
    };
    tracked.accounts.iter().map(one).collect()
}

fn add_windows(sums: &mut [Sum], objective: &Objective, account: &Account, now: Moment) {
    for (n, sum) in sums.iter_mut().enumerate() {
        *sum += account.whole.sum(&objective.resolution, n, now);
    }
}

fn sum_of(objective: &Objective, sums: &[Sum], length: Length) -> Sum {
    objective.window_of(length).and_then(|n| sums.get(n)).copied().unwrap_or_default()
}

fn firing<'o>(objective: &'o Objective, sums: &'o [Sum]) -> impl Iterator<Item = bool> + 'o {
    objective.tiers.iter().map(move |tier| {
        let long = sum_of(objective, sums, tier.long).counts();
        let short = tier.short.map(|short| sum_of(objective, sums, short).counts());
        burn::fires(tier, long, short)
    })
}

fn tiers(objective: &Objective, sums: &[Sum]) -> Vec<TierStatus> {
    let all = objective.tiers.iter().zip(firing(objective, sums));
    all.map(|(tier, firing)| TierStatus::new(tier, firing)).collect()
}

fn exhausted_in(objective: &Objective, sums: &[Sum], left: f64) -> Option<f64> {
    let window = objective.tiers.iter().map(|t| t.long).min();
    let window = window.or_else(|| objective.windows.first().copied())?;
    let burn = burn::rate(sum_of(objective, sums, window).counts(), objective.budget);
    burn::exhausted_in(left, burn, objective.period.length().seconds())
}

fn group_statuses(
    objective: &Objective,
    groups: BTreeMap<Vec<String>, Vec<Sum>>,
    whole: &[Sum],
) -> Vec<GroupStatus> {
    if objective.group_by.is_empty() {
        return Vec::new();
    }
    let mut rest = whole.to_vec();
    let one = |values: Vec<String>, sums: &[Sum]| {
        let period = sums.last().copied().unwrap_or_default().counts();
        let tiers = objective.tiers.iter().zip(firing(objective, sums));
        GroupStatus {
            values,
            bad: period.bad,
            total: period.total,
            budget_remaining: burn::left(period, objective.budget),
            firing: tiers.filter(|(_, firing)| *firing).map(|(t, _)| t.name.clone()).collect(),
        }
    };
    let mut all = Vec::new();
    for (values, sums) in groups {
        for (rest, sum) in rest.iter_mut().zip(&sums) {
            *rest -= *sum;
        }
        all.push(one(values, &sums));
    }
    all.sort_by(|a, b| b.bad.cmp(&a.bad).then_with(|| b.total.cmp(&a.total)));
    if rest.iter().any(|sum| !sum.is_none()) {
        all.push(one(Vec::new(), &rest));
    }
    all
}

fn cause(cause: &crate::spending::Cause) -> CauseStatus {
    let trace = |spent: &crate::spending::Spent| TraceStatus {
        trace_id: collector_otlp::TraceId(spent.trace).to_string(),
        at: spent.at,
        duration_ms: spent.duration / 1_000_000,
    };
    CauseStatus {
        operation: cause.operation.clone(),
        error: cause.error.clone(),
        bad: cause.n,
        over: cause.over,
        first: cause.first,
        last: cause.last,
        traces: cause.traces.iter().rev().map(trace).collect(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
