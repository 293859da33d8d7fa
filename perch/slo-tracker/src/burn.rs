//! How fast the budget burns, what is left of it, and which tiers fire: the same arithmetic as the rules'.

use slo::burn::Tier;

use crate::counts::Counts;

/// A target of 100 % leaves no budget to divide by; burn rates are then those of a budget of one event in a thousand
/// million.
const LEAST_BUDGET: f64 = 1e-9;

/// How many times faster than allowed the budget burns.
#[must_use]
pub fn rate(counts: Counts, budget: f64) -> f64 {
    counts.ratio() / budget.max(LEAST_BUDGET)
}

/// The share of the budget that is left; below 0 where it is overspent, 1 where nothing happened.
#[must_use]
pub fn left(period: Counts, budget: f64) -> f64 {
    1.0 - rate(period, budget)
}

/// Seconds until nothing is left if it goes on as it does; none where the budget would last for the period.
#[must_use]
pub fn exhausted_in(left: f64, burn: f64, period_seconds: f64) -> Option<f64> {
    if left <= 0.0 {
        return Some(0.0);
    }
    (burn > 1.0).then(|| left * period_seconds / burn)
}

/// Whether a tier's condition holds, by its long and its short window.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts beyond 2^53 may be rounded against a threshold"
)]
pub fn fires(tier: &Tier, long: Counts, short: Option<Counts>) -> bool {
    let (bad, total) = (long.bad as f64, long.total as f64);
    let sure = bad > tier.threshold * total + tier.margin() * total.sqrt();
    let over = |c: Counts| c.bad as f64 > tier.threshold * c.total as f64;
    sure && long.bad >= u64::from(tier.floor) && short.is_none_or(over)
}

#[cfg(test)]
mod tests {
    use slo::length::Length;
    use slo::model::Severity;

    use super::*;

    fn tier(floor: u32, z: f64) -> Tier {
        Tier {
            name: "page-quick".into(),
            severity: Severity::Page,
            severity_text: None,
            factor: 14.4,
            short: Some(Length(300)),
            long: Length(3_600),
            hold: None,
            threshold: 0.0144,
            floor,
            z,
        }
    }

    #[test]
    fn one_failure_of_few_requests_does_not_fire() {
        let few = Counts { bad: 1, total: 5 };
        assert!(fires(&tier(0, 0.0), few, Some(few)));
        assert!(!fires(&tier(5, 0.0), few, Some(few)));
        assert!(!fires(&tier(0, 1.645), Counts { bad: 1, total: 50 }, Some(few)));
        let many = Counts { bad: 20, total: 1_000 };
        assert!(fires(&tier(5, 1.0), many, Some(many)));
        assert!(!fires(&tier(5, 1.0), many, Some(Counts { bad: 0, total: 9 })));
        assert!(!fires(&tier(5, 1.0), Counts::default(), Some(Counts::default())));
    }

    #[test]
    fn what_is_left_and_how_long_it_lasts() {
        let period = Counts { bad: 5, total: 10_000 };
        assert!((left(period, 0.001) - 0.5).abs() < 1e-12);
        assert!((left(Counts { bad: 30, total: 10_000 }, 0.001) + 2.0).abs() < 1e-12);
        assert_eq!(left(Counts::default(), 0.001), 1.0);
        assert_eq!(left(Counts { bad: 0, total: 9 }, 0.0), 1.0);
        assert!(left(Counts { bad: 1, total: 9 }, 0.0) < 0.0);
        assert_eq!(exhausted_in(0.5, 2.0, 100.0), Some(25.0));
        assert_eq!(
            (exhausted_in(0.5, 1.0, 100.0), exhausted_in(-0.1, 0.0, 100.0)),
            (None, Some(0.0))
        );
    }
}
