//! A batch between its translation and its last piece.

use std::collections::VecDeque;

use crate::ledger::Reason;
use crate::node::Begun;

/// What became of items so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Items that will not arrive, by reason.
    pub dropped: Vec<(Reason, u64)>,
    /// What is to be said about them.
    pub message: String,
    /// Items that arrived.
    pub n_delivered: u64,
}

/// A part of a batch, translated.
#[derive(Debug)]
pub struct Prepared<P, C> {
    /// Request streams.
    pub(super) shards: Vec<Shard<P>>,
    /// What became of items that have no form at the backend.
    pub outcome: Outcome,
    /// Where the next part begins; nothing behind the last.
    pub(super) rest: Option<C>,
}

/// One request stream.
#[derive(Debug)]
pub(super) struct Shard<P> {
    /// What is still to be sent, in order.
    pub(super) pieces: VecDeque<P>,
    pub(super) outcome: Outcome,
}

/// How far a batch is.
pub(super) struct Progress<P, C> {
    /// Who began it: settings may have changed since, and another one begins anew.
    owner: u64,
    pub(super) part: Prepared<P, C>,
    /// What became of the parts before.
    pub(super) outcome: Outcome,
}

/// A batch in hand. What is known of it goes back to its [`Begun`] unless it is finished, however the
/// attempt ends.
pub(super) struct Held<'a, P: Send + 'static, C: Send + 'static> {
    begun: &'a Begun,
    progress: Option<Progress<P, C>>,
}

impl Outcome {
    /// Counts `n` items that will not arrive, and keeps the first message.
    pub fn drop_items(&mut self, reason: Reason, n: u64, message: &str) {
        if n == 0 {
            return;
        }
        match self.dropped.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, total)) => *total += n,
            None => self.dropped.push((reason, n)),
        }
        if self.message.is_empty() {
            message.clone_into(&mut self.message);
        }
    }

    /// Adds what became of others.
    pub(super) fn add(&mut self, other: &Self) {
        for (reason, n) in &other.dropped {
            self.drop_items(*reason, *n, &other.message);
        }
        self.n_delivered += other.n_delivered;
    }
}

impl<P, C> Prepared<P, C> {
    /// A part behind which `rest` is left.
    #[must_use]
    pub fn before(rest: Option<C>) -> Self {
        Self { rest, ..Self::default() }
    }

    /// Adds a request stream with these pieces, in order.
    pub fn shard(&mut self, pieces: impl IntoIterator<Item = P>) {
        let pieces: VecDeque<P> = pieces.into_iter().collect();
        if !pieces.is_empty() {
            self.shards.push(Shard { pieces, outcome: Outcome::default() });
        }
    }
}

impl<P, C> Default for Prepared<P, C> {
    fn default() -> Self {
        Self { shards: Vec::new(), outcome: Outcome::default(), rest: None }
    }
}

impl<'a, P: Send + 'static, C: Send + 'static> Held<'a, P, C> {
    /// Takes up a batch where `owner` left it, or begins it with what `first` gives.
    pub(super) fn take(
        begun: &'a Begun,
        owner: u64,
        first: impl FnOnce() -> Prepared<P, C>,
    ) -> Self {
        let left = begun.take::<Progress<P, C>>().filter(|left| left.owner == owner);
        let fresh = || Progress { owner, part: first(), outcome: Outcome::default() };
        Self { begun, progress: Some(left.unwrap_or_else(fresh)) }
    }

    /// The part at hand.
    pub(super) fn part(&mut self) -> &mut [Shard<P>] {
        match &mut self.progress {
            Some(progress) => &mut progress.part.shards,
            None => &mut [],
        }
    }

    /// The part at hand is through; what `next` makes of the rest takes its place. Gives what became of
    /// everything if there is no rest.
    pub(super) fn pass(&mut self, next: impl FnOnce(C) -> Prepared<P, C>) -> Option<Outcome> {
        let mut progress = self.progress.take()?;
        let Prepared { shards, outcome, rest } = std::mem::take(&mut progress.part);
        progress.outcome.add(&outcome);
        shards.iter().for_each(|shard| progress.outcome.add(&shard.outcome));
        drop(shards);
        let Some(rest) = rest else { return Some(progress.outcome) };
        progress.part = next(rest);
        self.progress = Some(progress);
        None
    }
}

impl<P: Send + 'static, C: Send + 'static> Drop for Held<'_, P, C> {
    fn drop(&mut self) {
        if let Some(progress) = self.progress.take() {
            self.begun.put(progress);
        }
    }
}
