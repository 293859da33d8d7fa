//! The arithmetic of burn rates: thresholds, what one failure does, when an alert fires and clears.
//!
//! A burn rate of 1 spends the budget in exactly one period. A tier with factor `f` fires when the
//! error ratio over its long window passes `f × budget`, and so it does over its short window.
//!
//! # Invariants
//! 1. [`Tier::detection`] and [`Tier::reset`] hold for steady traffic with a steady share of errors
//!    that begins after a whole long window without any; a simulation event by event agrees.

use crate::length::Length;
use crate::model::Severity;
use crate::number::tidy;

/// One alert condition of an objective, ready to be written as a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Tier {
    /// Its name, as in the label `slo_tier`.
    pub name: String,
    /// Whom it reaches.
    pub severity: Severity,
    /// The severity as a specification wrote it, where it has words of its own.
    pub severity_text: Option<String>,
    /// How many times faster than allowed the budget burns when it fires.
    pub factor: f64,
    /// The window that makes it clear soon; none where the specification has only one window.
    pub short: Option<Length>,
    /// The window that makes it sure.
    pub long: Length,
    /// How long the condition must hold.
    pub hold: Option<Length>,
    /// The error ratio above which it fires.
    pub threshold: f64,
    /// Failures that the long window must hold.
    pub floor: u32,
    /// Standard deviations by which the ratio must pass the threshold; 0 asks for none.
    pub z: f64,
}

/// A steady fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// Events per second, good and bad.
    pub rate: f64,
    /// The share of events that fail while it lasts.
    pub share: f64,
}

impl Tier {
    /// Whether the error ratio can pass the threshold at all.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.threshold < 1.0
    }

    /// The number of events in the long window below which a single failure passes the threshold.
    #[must_use]
    pub fn single_failure_limit(&self) -> f64 {
        1.0 / self.threshold
    }

    /// What `sqrt(events)` is multiplied with for confidence: the score test of a share against
    /// the threshold, `bad > θ·n + z·sqrt(θ(1−θ)·n)`.
    #[must_use]
    pub fn margin(&self) -> f64 {
        tidy(self.z * (self.threshold * (1.0 - self.threshold)).max(0.0).sqrt())
    }

    /// The error ratio over the long window that is needed when it holds `n` events.
    #[must_use]
    pub fn needed_ratio(&self, n: f64) -> f64 {
        self.threshold + if n > 0.0 { self.margin() / n.sqrt() } else { 0.0 }
    }

    /// Seconds from the start of a fault until the condition holds; none where it never does.
    #[must_use]
    pub fn detection(&self, fault: Fault) -> Option<f64> {
        let long = self.long.seconds();
        let ratio = self.needed_ratio(fault.rate * long);
        if fault.share <= ratio {
            return None;
        }
        let by_long = long * ratio / fault.share;
        let by_short = self.short.map_or(0.0, |s| s.seconds() * self.threshold / fault.share);
        let by_floor = f64::from(self.floor) / (fault.rate * fault.share);
        // Beyond the long window the floor can only be met by what the window holds.
        if by_floor > long {
            return None;
        }
        let hold = self.hold.map_or(0.0, Length::seconds);
        Some(by_long.max(by_short).max(by_floor) + hold)
    }

    /// Seconds from the end of a fault that lasted at least until detection, until the condition no
    /// longer holds. `lasted` is how long the fault was.
    #[must_use]
    pub fn reset(&self, fault: Fault, lasted: f64) -> f64 {
        let clears = |window: f64, ratio: f64| window * (1.0 - ratio / fault.share);
        let long = self.long.seconds();
        let ratio = self.needed_ratio(fault.rate * long);
        // While the window still holds the whole fault, nothing leaves it.
        let by_long = clears(long, ratio).max(long - lasted.min(long));
        let floor = long - f64::from(self.floor) / (fault.rate * fault.share);
        let by_short = self.short.map_or(f64::INFINITY, |s| clears(s.seconds(), self.threshold));
        by_long.min(by_short).min(floor.max(0.0))
    }
}

/// The quantile of the standard normal distribution, to four digits (Abramowitz and Stegun 26.2.23).
#[must_use]
pub fn quantile(confidence: f64) -> f64 {
    if confidence <= 0.5 {
        return 0.0;
    }
    let t = (-2.0 * (1.0 - confidence.min(0.999_999)).ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    ((t - above / below) * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests;
