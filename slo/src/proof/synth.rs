//! Series that make an objective's queries count exactly the events a test wants.

use std::collections::BTreeMap;

use crate::model::Match;
use crate::plan::Events;
use crate::promql::{Term, example};

/// A counter and by how much an event moves it.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The metric.
    pub metric: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// By a good event.
    pub per_good: f64,
    /// By a bad event.
    pub per_bad: f64,
}

/// A counter with what it adds to bad and to all events.
#[derive(Debug, Clone)]
struct Candidate {
    metric: String,
    labels: BTreeMap<String, String>,
    bad: i32,
    total: i32,
}

/// How many counters one event may move.
const MOST: usize = 3;

/// Series for good and bad events; none where the queries leave no way to tell them apart.
#[must_use]
pub fn synthesise(events: &Events) -> Option<Vec<Series>> {
    let candidates = candidates(events);
    let good = choose(&candidates, 0, 1)?;
    let bad = choose(&candidates, 1, 1)?;
    let mut series = Vec::new();
    for (n, candidate) in candidates.iter().enumerate() {
        let (per_good, per_bad) = (f64::from(good.contains(&n)), f64::from(bad.contains(&n)));
        if per_good + per_bad > 0.0 {
            let (metric, labels) = (candidate.metric.clone(), candidate.labels.clone());
            series.push(Series { metric, labels, per_good, per_bad });
        }
    }
    // One group, or the figures of a test would be spread over several.
    let groups: Vec<Vec<Option<&String>>> = series
        .iter()
        .map(|s| events.total_of.by.iter().map(|label| s.labels.get(label)).collect())
        .collect();
    groups.windows(2).all(|pair| pair[0] == pair[1]).then_some(series)
}

/// The fewest candidates whose sums are as wanted.
fn choose(candidates: &[Candidate], bad: i32, total: i32) -> Option<Vec<usize>> {
    (1..=MOST).find_map(|size| pick(candidates, 0, size, bad, total))
}

fn pick(all: &[Candidate], from: usize, size: usize, bad: i32, total: i32) -> Option<Vec<usize>> {
    if size == 0 {
        return (bad == 0 && total == 0).then(Vec::new);
    }
    (from..all.len()).find_map(|n| {
        let c = all.get(n)?;
        let mut rest = pick(all, n + 1, size - 1, bad - c.bad, total - c.total)?;
        rest.push(n);
        Some(rest)
    })
}

fn candidates(events: &Events) -> Vec<Candidate> {
    let sign = |t: &Term| if t.negative { -1 } else { 1 };
    // What is counted as good takes away from bad, which is all less good.
    let (to_bad, total_to_bad) = if events.good { (-1, 1) } else { (1, 0) };
    let mut terms: Vec<(&Term, i32, i32)> = Vec::new();
    terms.extend(events.events_of.terms.iter().map(|t| (t, to_bad * sign(t), 0)));
    terms.extend(events.total_of.terms.iter().map(|t| (t, total_to_bad * sign(t), sign(t))));
    let mut metrics: Vec<&str> = terms.iter().map(|(t, ..)| t.metric.as_str()).collect();
    metrics.sort_unstable();
    metrics.dedup();
    let mut candidates = Vec::new();
    for metric in metrics {
        let of: Vec<_> = terms.iter().filter(|(t, ..)| t.metric == metric).collect();
        for subset in 1u32..1 << of.len().min(6) {
            let inside = |n: usize| subset & (1 << n) != 0;
            let chosen = |inside_wanted: bool| {
                let pairs = of.iter().enumerate().filter(move |(n, _)| inside(*n) == inside_wanted);
                pairs.map(|(_, (t, ..))| *t).collect::<Vec<&Term>>()
            };
            let labels = labels(&chosen(true), &chosen(false), &events.total_of.by);
            candidates.extend(labels.map(|labels| {
                let taken = of.iter().enumerate().filter(|(n, _)| inside(*n)).map(|(_, t)| t);
                let (bad, total) = taken.fold((0, 0), |(b, t), (_, db, dt)| (b + db, t + dt));
                Candidate { metric: metric.to_owned(), labels, bad, total }
            }));
        }
    }
    candidates
}

/// Labels that every wanted term matches and no unwanted one.
fn labels(wanted: &[&Term], unwanted: &[&Term], by: &[String]) -> Option<BTreeMap<String, String>> {
    let needed: Vec<&Match> = wanted.iter().flat_map(|t| &t.matchers).collect();
    let broken = break_each(unwanted, &needed, Vec::new())?;
    let mut names: Vec<&str> = needed.iter().chain(&broken).map(|m| m.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut labels = BTreeMap::new();
    for name in names {
        let value = value(name, &needed, &broken)?;
        if !value.is_empty() {
            labels.insert(name.to_owned(), value);
        }
    }
    for label in by {
        labels.entry(label.clone()).or_insert_with(|| "a".to_owned());
    }
    Some(labels)
}

fn value(name: &str, needed: &[&Match], broken: &[&Match]) -> Option<String> {
    let of = |list: &[&Match]| -> Vec<Match> {
        list.iter().filter(|m| m.name == name).map(|m| (*m).clone()).collect()
    };
    let (needed, broken) = (of(needed), of(broken));
    example(&needed.iter().collect::<Vec<_>>(), &broken.iter().collect::<Vec<_>>())
}

/// One matcher of each unwanted term that can fail while all others hold.
fn break_each<'a>(
    unwanted: &[&'a Term],
    needed: &[&Match],
    broken: Vec<&'a Match>,
) -> Option<Vec<&'a Match>> {
    let Some((term, rest)) = unwanted.split_first() else { return Some(broken) };
    term.matchers.iter().find_map(|m| {
        let mut broken = broken.clone();
        broken.push(m);
        value(&m.name, needed, &broken)?;
        break_each(rest, needed, broken)
    })
}
