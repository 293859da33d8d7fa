//! Which alerts a past would have raised.
//!
//! # Invariants
//! 1. A condition is looked at at the end of every bucket, by the same definition of a window as the tracker's over
//!    buckets of that length.
//!
//! # Not here
//! Inhibition, and windows that are not known whole: before the first bucket there is nothing.

use serde::Serialize;
use slo::length::Length;

use crate::status::{History, TierStatus};

/// An alert that would have fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// The tier.
    pub tier: String,
    /// `page`, `ticket` or `info`.
    pub severity: String,
    /// Seconds since the epoch at which it would have fired.
    pub from: u64,
    /// Seconds since the epoch at which it would have cleared; the end of the history where it still fires.
    pub until: u64,
}

/// Buckets longer than this are not asked for: a quarter of minutes.
const MAX_BUCKETS: u64 = 92 * 1_440 + 1;

/// The alerts of a history, in the order in which they would have fired.
#[must_use]
pub fn replay(history: &History, tiers: &[TierStatus]) -> Vec<Alert> {
    let step = history.step.max(1);
    let Some(first) = history.buckets.iter().map(|b| b.0 / step).min() else { return Vec::new() };
    let n = (history.now / step + 1).saturating_sub(first).min(MAX_BUCKETS);
    // Sums of everything before a bucket, so that a window is a difference.
    let mut before = vec![(0_u64, 0_u64); usize::try_from(n).unwrap_or_default() + 1];
    for (begin, bad, total) in &history.buckets {
        let at = usize::try_from(begin / step - first).unwrap_or(usize::MAX);
        if let Some(sum) = at.checked_add(1).and_then(|at| before.get_mut(at)) {
            *sum = (sum.0 + bad, sum.1 + total);
        }
    }
    for at in 1..before.len() {
        let (bad, total) = before[at - 1];
        before[at] = (before[at].0 + bad, before[at].1 + total);
    }
    let mut alerts: Vec<Alert> =
        tiers.iter().flat_map(|tier| of_tier(tier, &before, first, step)).collect();
    alerts.sort_by_key(|alert| alert.from);
    alerts
}

fn of_tier(tier: &TierStatus, before: &[(u64, u64)], first: u64, step: u64) -> Vec<Alert> {
    let mut alerts: Vec<Alert> = Vec::new();
    let mut since: Option<u64> = None;
    for end in 1..before.len() {
        let now = (first + end as u64) * step;
        if !holds(tier, before, end, step) {
            since = None;
            continue;
        }
        let begun = *since.get_or_insert(now);
        if now - begun < tier.hold_seconds {
            continue;
        }
        match alerts.last_mut().filter(|alert| alert.until + step == now && now > begun) {
            Some(alert) => alert.until = now,
            None => alerts.push(Alert {
                tier: tier.tier.clone(),
                severity: tier.severity.clone(),
                from: now,
                until: now,
            }),
        }
    }
    alerts
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts beyond 2^53 may be rounded against a threshold"
)]
fn holds(tier: &TierStatus, before: &[(u64, u64)], end: usize, step: u64) -> bool {
    let window = |length: &str| {
        let length = Length::parse(length).map_or(0, |l| l.0.div_ceil(step).max(1));
        let start = end.saturating_sub(usize::try_from(length).unwrap_or(usize::MAX));
        let ((bad, total), (bad_before, total_before)) = (before[end], before[start]);
        (bad - bad_before, total - total_before)
    };
    let (bad, total) = window(&tier.long);
    let needed = tier.threshold * total as f64 + tier.margin * (total as f64).sqrt();
    let over = |(bad, total): (u64, u64)| bad as f64 > tier.threshold * total as f64;
    bad as f64 > needed
        && bad >= u64::from(tier.floor)
        && tier.short.as_deref().is_none_or(|short| over(window(short)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(hold_seconds: u64) -> TierStatus {
        TierStatus {
            tier: "page-quick".into(),
            severity: "page".into(),
            factor: 14.4,
            threshold: 0.144,
            margin: 0.0,
            floor: 5,
            long: "1h".into(),
            short: Some("5m".into()),
            hold_seconds,
            firing: false,
        }
    }

    /// Ten events a minute; all of minute 100 to 119 are bad.
    fn history() -> History {
        let bucket =
            |minute: u64| (minute * 60, if (100..120).contains(&minute) { 10 } else { 0 }, 10);
        History { id: "a".into(), now: 200 * 60, step: 60, buckets: (0..200).map(bucket).collect() }
    }

    #[test]
    fn it_fires_and_clears_when_the_arithmetic_says() {
        // 14.4 % of an hour are 8.64 minutes: the ninth bad minute. The short window clears four minutes after the end.
        let alerts = replay(&history(), &[tier(0)]);
        let want = |from: u64| Alert {
            tier: "page-quick".into(),
            severity: "page".into(),
            from: from * 60,
            until: 124 * 60,
        };
        assert_eq!(alerts, [want(109)]);
        assert_eq!(replay(&history(), &[tier(120)]), [want(111)]);
        assert_eq!(replay(&history(), &[TierStatus { floor: 201, ..tier(0) }]), []);
        let nothing = History { buckets: Vec::new(), ..history() };
        assert_eq!(replay(&nothing, &[tier(0)]), []);
    }
}
