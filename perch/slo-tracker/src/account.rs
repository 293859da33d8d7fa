//! What one pipeline knows of one objective.

use crate::bytes::{Reader, put};
use crate::counts::Sum;
use crate::groups::Groups;
use crate::objective::Objective;
use crate::policy::PolicyState;
use crate::ring::Series;
use crate::spending::Spending;
use crate::time::Moment;

/// Counts of one objective in one pipeline.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// When counting began.
    since: u64,
    pub(crate) whole: Series,
    pub(crate) groups: Groups,
    pub(crate) spending: Spending,
    /// The state of its budget when it was last known; all pipelines together have one.
    pub(crate) policy: PolicyState,
    pending: Sum,
}

impl Account {
    pub(crate) fn new(objective: &Objective, since: Moment) -> Self {
        Self {
            since: since.nanos(),
            whole: Series::new(&objective.resolution),
            groups: Groups::default(),
            spending: Spending::default(),
            policy: PolicyState::Ok,
            pending: Sum::NONE,
        }
    }

    /// Counts events until [`Self::settle`].
    pub(crate) fn count(
        &mut self,
        objective: &Objective,
        group: &[u8],
        sum: Sum,
        max_groups: usize,
        at: Moment,
    ) {
        self.pending += sum;
        if !objective.group_by.is_empty() {
            self.groups.count(group, sum, (max_groups, &objective.resolution, at));
        }
    }

    /// Adds what was counted since, as having happened at `at`.
    pub(crate) fn settle(&mut self, at: Moment) {
        if !self.pending.is_none() {
            self.whole.add(at, std::mem::take(&mut self.pending));
        }
        self.groups.settle(at);
    }

    /// What the clock showed when counting began, in nanoseconds since the epoch, as far as it was not set back since.
    pub(crate) fn since_wall(&self, now: Moment) -> u64 {
        now.wall_nanos().saturating_sub(now.nanos().saturating_sub(self.since))
    }

    /// Seconds for which it has counted at `now`.
    pub(crate) fn age(&self, now: Moment) -> u64 {
        now.nanos().saturating_sub(self.since) / 1_000_000_000
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.whole.n_bytes() + self.groups.n_bytes() + self.spending.n_bytes()
    }

    pub(crate) fn encode(&self, now: Moment, out: &mut Vec<u8>) {
        put(out, self.since);
        let code = PolicyState::ALL.iter().position(|s| *s == self.policy);
        out.push(code.and_then(|at| u8::try_from(at).ok()).unwrap_or_default());
        self.whole.encode(now, out);
        self.groups.encode(now, out);
        self.spending.encode(out);
    }

    pub(crate) fn decode(rest: &mut Reader<'_>, objective: &Objective) -> Option<Self> {
        let since = rest.u64()?;
        let [policy] = rest.array()?;
        Some(Self {
            since,
            policy: *PolicyState::ALL.get(usize::from(policy))?,
            whole: Series::decode(rest, &objective.resolution)?,
            groups: Groups::decode(rest, &objective.resolution)?,
            spending: Spending::decode(rest)?,
            pending: Sum::NONE,
        })
    }
}
