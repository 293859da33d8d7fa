//! What the budget's state asks of those who change things.

use collector_telemetry::names;
use serde::{Deserialize, Serialize};

/// The budget's state, from good to bad.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum PolicyState {
    /// Change what you like.
    #[default]
    Ok,
    /// Take care.
    Caution,
    /// Change only what makes it better.
    Frozen,
    /// Nothing is left.
    Exhausted,
}

/// At how much of the budget left, in per cent, each state begins, and how much more it takes to leave it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// Where caution begins. Default 25.
    pub caution: f64,
    /// Where changes freeze. Default 10.
    pub frozen: f64,
    /// Where nothing is left. Default 0.
    pub exhausted: f64,
    /// How far above its threshold a state is left again. Default 5: a budget that comes back event by event would
    /// otherwise change its state with every one of them.
    pub hysteresis: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { caution: 25.0, frozen: 10.0, exhausted: 0.0, hysteresis: 5.0 }
    }
}

impl PolicyState {
    /// All states, from good to bad.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Caution, Self::Frozen, Self::Exhausted];

    /// Its name, as the catalogue spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        let name = match self {
            Self::Ok => names::State::Ok,
            Self::Caution => names::State::Caution,
            Self::Frozen => names::State::Frozen,
            Self::Exhausted => names::State::Exhausted,
        };
        name.as_str()
    }

    /// Whether changes have to wait.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Frozen | Self::Exhausted)
    }
}

impl Policy {
    /// The state after `before` when `left` (1 for all) of the budget is left: worse at once, better only with some
    /// room.
    #[must_use]
    pub fn next(&self, before: PolicyState, left: f64) -> PolicyState {
        let percent = left * 100.0;
        let strict = self.at(percent);
        let lenient = self.at(percent - self.hysteresis);
        strict.max(lenient.min(before))
    }

    fn at(&self, percent: f64) -> PolicyState {
        if percent <= self.exhausted {
            PolicyState::Exhausted
        } else if percent <= self.frozen {
            PolicyState::Frozen
        } else if percent <= self.caution {
            PolicyState::Caution
        } else {
            PolicyState::Ok
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PolicyState::{Caution, Exhausted, Frozen, Ok};
    use super::*;

    #[test]
    fn a_state_is_entered_at_once_and_left_with_some_room() {
        let policy = Policy::default();
        let mut state = Ok;
        for (left, want) in [
            (1.0, Ok),
            (0.251, Ok),
            (0.25, Caution),
            (0.26, Caution),
            (0.30, Caution),
            (0.301, Ok),
            (0.09, Frozen),
            (0.12, Frozen),
            (0.151, Caution),
            (-0.2, Exhausted),
            (0.04, Exhausted),
            (0.051, Frozen),
            (1.0, Ok),
            (0.0, Exhausted),
            (0.2, Caution),
        ] {
            state = policy.next(state, left);
            assert_eq!(state, want, "{left}");
        }
    }

    #[test]
    fn around_a_threshold_it_does_not_flutter() {
        let policy = Policy::default();
        for threshold in [0.25, 0.10, 0.0] {
            let (mut state, mut n_changes) = (Ok, 0);
            for n in 0..1_000 {
                let next = policy.next(state, threshold + f64::from(n % 7 - 3) * 0.005);
                n_changes += u32::from(next != state);
                state = next;
            }
            assert!(n_changes <= 2, "{n_changes}");
        }
    }
}
