//! Records between being taken and being passed: which are under way, which are done, and how far
//! everything is done.
//!
//! # Invariants
//! 1. The cursor moves only over records that are done, in the order of the log; what [`Passed`] counts
//!    is what became of exactly the records before it.
//! 2. A record is taken by one at a time, and becomes done once.
//!
//! # Not here
//! Where records come from, locks, and time.

use std::collections::VecDeque;

use crate::ledger::{Amount, Reason, Totals};
use crate::log::{Position, Record};
use crate::node::Begun;

/// How far a consumer is, and what became of everything before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// The first record it has not passed.
    pub position: Position,
    /// What the log had taken in before that record, since it began.
    pub taken: Amount,
    /// What became of the records it passed.
    pub totals: Totals,
}

/// The records a consumer has taken and not passed.
#[derive(Debug)]
pub struct Window {
    passed: Passed,
    entries: VecDeque<Entry>,
    /// The first record that was never taken.
    next: Position,
    /// What the log had taken in before it.
    next_taken: Amount,
    /// What is done behind the cursor.
    done: Amount,
    n_records: usize,
}

/// A record that came back.
#[derive(Debug)]
pub struct Returned {
    /// It.
    pub record: Record,
    /// What was begun with it.
    pub begun: Begun,
    /// How often the exporter panicked over it.
    pub n_panics: u32,
}

/// A record, or several that are done and lie side by side.
#[derive(Debug)]
struct Entry {
    start: Position,
    end: Position,
    amount: Amount,
    n_records: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    InHand,
    /// It came back.
    Waiting(Box<Returned>),
    Done(Totals),
}

impl Returned {
    /// A record nothing was begun with.
    #[must_use]
    pub fn fresh(record: Record) -> Self {
        Self { record, begun: Begun::default(), n_panics: 0 }
    }
}

impl Window {
    /// Nothing taken behind `passed`.
    #[must_use]
    pub fn new(passed: Passed) -> Self {
        let (next, next_taken) = (passed.position, passed.taken);
        let (entries, done, n_records) = Default::default();
        Self { passed, entries, next, next_taken, done, n_records }
    }

    /// How far everything is done.
    #[must_use]
    pub fn passed(&self) -> Passed {
        self.passed
    }

    /// Where the first record lies that was never taken.
    #[must_use]
    pub fn next(&self) -> Position {
        self.next
    }

    /// Records taken and not passed.
    #[must_use]
    pub fn n_records(&self) -> usize {
        self.n_records
    }

    /// Whether any record is under way or came back.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.entries.iter().any(|e| !matches!(e.state, State::Done(_)))
    }

    /// What is not done of the `taken` that the log took in.
    #[must_use]
    pub fn queued(&self, taken: Amount) -> Amount {
        taken - self.passed.taken - self.done
    }

    /// Whether the record at `position` was delivered or dropped.
    #[must_use]
    pub fn is_done(&self, position: Position) -> bool {
        position < self.passed.position
            || self.entries.iter().any(|e| {
                e.start <= position && position < e.end && matches!(e.state, State::Done(_))
            })
    }

    /// Takes the next record of the log.
    pub fn take(&mut self, record: &Record) {
        let amount = record.amount();
        self.push(record.position, record.end(), amount, 1, State::InHand);
        self.next_taken += amount;
    }

    /// Takes the first of the records that came back.
    pub fn take_back(&mut self) -> Option<Returned> {
        for entry in &mut self.entries {
            if matches!(entry.state, State::Waiting(_))
                && let State::Waiting(returned) = std::mem::replace(&mut entry.state, State::InHand)
            {
                return Some(*returned);
            }
        }
        None
    }

    /// A record that was taken comes back; `false` if it was given up meanwhile.
    pub fn give_back(&mut self, returned: Returned) -> bool {
        let Some(i) = self.in_hand(returned.record.position) else { return false };
        self.entries[i].state = State::Waiting(Box::new(returned));
        true
    }

    /// The record at `position`, which was taken, came to its end in `totals`; `false` if it was given
    /// up meanwhile.
    pub fn settle(&mut self, position: Position, totals: Totals) -> bool {
        let Some(i) = self.in_hand(position) else { return false };
        self.finish(i, totals);
        self.advance();
        true
    }

    /// Never takes what lies before `to`, where the log had taken in `taken`; says what that drops.
    pub fn skip(&mut self, to: Position, taken: Amount, reason: Reason) -> Totals {
        if to <= self.next {
            return Totals::default();
        }
        let amount = taken - self.next_taken;
        let totals = Totals::dropped(reason, amount);
        self.push(self.next, to, amount, 0, State::Done(totals));
        self.done += amount;
        self.next_taken = taken;
        self.merge(self.entries.len() - 1);
        self.advance();
        totals
    }

    /// Gives up what was taken before `to` and is not done; says what that drops.
    pub fn abandon(&mut self, to: Position) -> Totals {
        let mut sum = Totals::default();
        while let Some(i) =
            self.entries.iter().position(|e| e.start < to && !matches!(e.state, State::Done(_)))
        {
            let totals = Totals::dropped(Reason::Retention, self.entries[i].amount);
            self.finish(i, totals);
            sum.add(&totals);
        }
        self.advance();
        sum
    }

    fn push(
        &mut self,
        start: Position,
        end: Position,
        amount: Amount,
        n_records: usize,
        state: State,
    ) {
        self.entries.push_back(Entry { start, end, amount, n_records, state });
        self.next = end;
        self.n_records += n_records;
    }

    fn in_hand(&self, position: Position) -> Option<usize> {
        let i = self.entries.binary_search_by_key(&position, |e| e.start).ok()?;
        matches!(self.entries[i].state, State::InHand).then_some(i)
    }

    fn finish(&mut self, i: usize, totals: Totals) {
        self.done += self.entries[i].amount;
        self.entries[i].state = State::Done(totals);
        self.merge(i);
    }

    /// Joins the done entry at `i` with its done neighbours, so that a record that waits long costs no
    /// more than one entry however many pass it.
    fn merge(&mut self, i: usize) {
        self.join(i);
        if i > 0 {
            self.join(i - 1);
        }
    }

    fn join(&mut self, i: usize) {
        let (Some(first), Some(second)) = (self.entries.get(i), self.entries.get(i + 1)) else {
            return;
        };
        let (State::Done(a), State::Done(b)) = (&first.state, &second.state) else { return };
        let mut totals = *a;
        totals.add(b);
        let (start, end) = (first.start, second.end);
        let amount = first.amount + second.amount;
        let n_records = first.n_records + second.n_records;
        self.entries[i] = Entry { start, end, amount, n_records, state: State::Done(totals) };
        self.entries.remove(i + 1);
    }

    fn advance(&mut self) {
        while let Some(first) = self.entries.front() {
            let State::Done(totals) = &first.state else { return };
            self.passed.totals.add(totals);
            self.passed.position = first.end;
            self.passed.taken += first.amount;
            self.done = self.done - first.amount;
            self.n_records -= first.n_records;
            self.entries.pop_front();
        }
    }
}
