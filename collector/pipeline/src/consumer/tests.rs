//! The window against a brute-force oracle, and checkpoints in bytes.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use durable_fs::{DiskFs, FaultyFs, ManualClock, Verdict};
use proptest::prelude::*;
use tokio::sync::Notify;

use super::step::Step;
use super::*;
use crate::ledger::{Amount, EdgeId, Ledger, Reason, Totals};
use crate::log::{Log, LogOptions, Position, Record, Role};
use crate::{Batch, Signal};

/// Records of a real log, each with its own number of items.
fn records(n: u32) -> Vec<Record> {
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1)));
    let options = LogOptions { segment_bytes: 200, ..LogOptions::with_max_bytes(1 << 20) };
    let log = Log::memory(clock, options);
    for i in 1..=n {
        let payload = Bytes::from(vec![0; 10 + i as usize % 7]);
        let batch = Batch { signal: Signal::Logs, n_items: i, payload: payload.into() };
        log.append(&batch).unwrap();
    }
    log.reader().run(log.reader().start(), u64::MAX).unwrap().records
}

#[derive(Debug, Clone)]
enum Act {
    Take,
    /// Settles the record in hand of that rank, delivered or not.
    Settle(prop::sample::Index, bool),
    GiveBack(prop::sample::Index),
    TakeBack,
    /// Retention takes that many records behind the oldest that is not done.
    Shed(usize),
    Checkpoint,
    /// Back to the last checkpoint.
    Restart,
    /// Back to the oldest record there is.
    Lose,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let index = any::<prop::sample::Index>;
    let act = prop_oneof![
        6 => Just(Act::Take),
        6 => (index(), any::<bool>()).prop_map(|(i, ok)| Act::Settle(i, ok)),
        2 => index().prop_map(Act::GiveBack),
        2 => Just(Act::TakeBack),
        1 => (1..6_usize).prop_map(Act::Shed),
        1 => Just(Act::Checkpoint),
        1 => Just(Act::Restart),
        1 => Just(Act::Lose),
    ];
    prop::collection::vec(act, 0..200)
}

/// What the oracle knows: one state per record, nothing joined, nothing summed up.
struct Oracle {
    records: Vec<Record>,
    /// `None` until it is done.
    done: Vec<Option<Totals>>,
    /// What the checkpoint remembers: records done by then, in order, without a gap.
    kept: Vec<Totals>,
    /// Records before this one are gone from the log.
    oldest: usize,
    next: usize,
    in_hand: Vec<usize>,
    waiting: Vec<usize>,
}

impl Oracle {
    fn cursor(&self) -> usize {
        self.done.iter().position(Option::is_none).unwrap_or(self.records.len())
    }

    fn position(&self, i: usize) -> Position {
        match self.records.get(i) {
            Some(record) => record.position,
            None => self.records[i - 1].end(),
        }
    }

    fn taken(&self, i: usize) -> Amount {
        self.records[..i].iter().map(Record::amount).sum()
    }

    fn passed(&self) -> Passed {
        let cursor = self.cursor();
        let mut totals = Totals::default();
        self.done[..cursor].iter().flatten().for_each(|t| totals.add(t));
        Passed { position: self.position(cursor), taken: self.taken(cursor), totals }
    }

    fn queued(&self) -> Amount {
        let open = self.done.iter().zip(&self.records).filter(|(d, _)| d.is_none());
        open.map(|(_, r)| r.amount()).sum()
    }

    fn restart(&mut self, kept: &[Totals]) -> Window {
        self.done = vec![None; self.records.len()];
        for (i, totals) in kept.iter().enumerate() {
            self.done[i] = Some(*totals);
        }
        self.next = kept.len();
        self.in_hand.clear();
        self.waiting.clear();
        Window::new(self.passed())
    }
}

fn same_place(a: Position, b: Position, records: &[Record]) -> bool {
    // The end of a segment and the start of the next are one place.
    let index = |at: Position| records.iter().filter(|r| r.position < at).count();
    index(a) == index(b)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_window_is_what_the_oracle_says(acts in acts()) {
        let all = records(40);
        let n = all.len();
        let mut oracle = Oracle {
            records: all.clone(), done: vec![None; n], kept: Vec::new(), oldest: 0, next: 0,
            in_hand: Vec::new(), waiting: Vec::new(),
        };
        let start = Passed { position: all[0].position, ..Passed::default() };
        let mut window = Window::new(start);
        for act in acts {
            match act {
                Act::Take if oracle.next < n => {
                    window.take(&all[oracle.next]);
                    oracle.in_hand.push(oracle.next);
                    oracle.next += 1;
                }
                Act::Settle(which, delivered) if !oracle.in_hand.is_empty() => {
                    let i = oracle.in_hand.swap_remove(which.index(oracle.in_hand.len()));
                    let amount = all[i].amount();
                    let totals = match delivered {
                        true => Totals::delivered(amount),
                        false => Totals::dropped(Reason::Permanent, amount),
                    };
                    let open = oracle.done[i].is_none();
                    prop_assert_eq!(window.settle(all[i].position, totals), open);
                    oracle.done[i].get_or_insert(totals);
                }
                Act::GiveBack(which) if !oracle.in_hand.is_empty() => {
                    let i = oracle.in_hand.swap_remove(which.index(oracle.in_hand.len()));
                    let open = oracle.done[i].is_none();
                    prop_assert_eq!(window.give_back(Returned { n_panics: 1, ..Returned::fresh(all[i].clone()) }), open);
                    if open {
                        oracle.waiting.push(i);
                    }
                }
                Act::TakeBack => {
                    oracle.waiting.retain(|i| oracle.done[*i].is_none());
                    oracle.waiting.sort_unstable();
                    let want = (!oracle.waiting.is_empty()).then(|| oracle.waiting.remove(0));
                    let came = window.take_back().map(|r| (r.record.position, r.n_panics));
                    prop_assert_eq!(came, want.map(|i| (all[i].position, 1)));
                    oracle.in_hand.extend(want);
                }
                Act::Shed(k) => {
                    let to = (oracle.cursor() + k).min(n);
                    let mut sum = window.abandon(oracle.position(to));
                    sum.add(&window.skip(
                        oracle.position(to), oracle.taken(to), Reason::Retention));
                    let mut want = Totals::default();
                    for (i, record) in all.iter().enumerate().take(to) {
                        let dropped = Totals::dropped(Reason::Retention, record.amount());
                        if oracle.done[i].is_none() {
                            oracle.done[i] = Some(dropped);
                            want.add(&dropped);
                        }
                    }
                    prop_assert_eq!(sum, want);
                    oracle.next = oracle.next.max(to);
                    oracle.oldest = to;
                }
                Act::Checkpoint => {
                    let cursor = oracle.cursor();
                    oracle.kept = oracle.done[..cursor].iter().flatten().copied().collect();
                }
                Act::Restart => {
                    let kept = oracle.kept.clone();
                    window = oracle.restart(&kept);
                }
                Act::Lose => {
                    // Nothing is remembered of the records that are gone.
                    let kept = vec![Totals::default(); oracle.oldest.min(n)];
                    oracle.kept.clone_from(&kept);
                    window = oracle.restart(&kept);
                }
                Act::Take | Act::Settle(..) | Act::GiveBack(_) => {}
            }
            let (passed, want) = (window.passed(), oracle.passed());
            prop_assert!(same_place(passed.position, want.position, &all), "{passed:?} {want:?}");
            prop_assert_eq!((passed.taken, passed.totals), (want.taken, want.totals));
            prop_assert_eq!(window.queued(oracle.taken(n)), oracle.queued());
            for (i, record) in all.iter().enumerate() {
                prop_assert_eq!(window.is_done(record.position), oracle.done[i].is_some());
            }
            let busy = oracle.in_hand.iter().chain(&oracle.waiting)
                .any(|i| oracle.done[*i].is_none());
            prop_assert_eq!(window.is_busy(), busy);
        }
    }

    #[test]
    fn a_checkpoint_comes_back_and_a_flipped_bit_never_does(
        numbers in prop::array::uniform6(any::<u64>()),
        dropped in prop::sample::select(Reason::ALL.to_vec()),
        state in prop::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let [segment, offset, a, b, c, d] = numbers;
        let key = Key::new("logs/one", "otlp_grpc/there");
        let mut totals = Totals::delivered(Amount::new(a, b));
        totals.drop_for(dropped, Amount::new(c, d));
        let position = Position { segment: crate::log::SegmentId(segment), offset };
        let passed = Passed { position, taken: Amount::new(d, a), totals };
        let checkpoint = Checkpoint { passed, state: state.into() };
        let mut raw = checkpoint.encode(&key);
        prop_assert_eq!(&Checkpoint::decode(&raw, &key).unwrap(), &checkpoint);
        prop_assert!(Checkpoint::decode(&raw, &Key::new("logs/two", "otlp_grpc/there")).is_err());
        prop_assert!(Checkpoint::decode(&raw[..at.index(raw.len())], &key).is_err());
        let at = at.index(raw.len());
        raw[at] ^= 1 << bit;
        prop_assert!(Checkpoint::decode(&raw, &key).is_err());
    }

    #[test]
    fn a_register_comes_back(
        entries in prop::collection::btree_map("[a-z/]{1,9}", (1..9_u16, any::<[u64; 4]>()), 0..5),
        consumers in prop::collection::btree_set("[a-z/]{1,9}", 0..5),
    ) {
        let receivers = entries.into_iter().map(|(name, (n, [a, b, c, d]))| {
            let (taken, unwritten) = (Amount::new(a, b), Amount::new(c, d));
            (name, Entry { origin: crate::log::Origin(n), taken, unwritten })
        }).collect();
        let taken = Amount::new(7, 8);
        let register = Register { taken, receivers, consumers, known: true, ..Register::default() };
        prop_assert_eq!(Register::read(&Found::Sound(register.checkpoint())), register);
    }
}

#[test]
fn a_checkpoint_is_the_old_one_or_the_new_one_whichever_operation_fails() {
    let key = Key::new("logs", "sink");
    let checkpoint = |n: u64| {
        let taken = Amount::new(n, n);
        Checkpoint { passed: Passed { taken, ..Passed::default() }, ..Checkpoint::default() }
    };
    let open = |fs, dir: &Path| Shelf::open(fs, dir).unwrap();
    let mut n_new = 0;
    for n_fault in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let shelf = open(Arc::new(DiskFs), dir.path());
        shelf.write(&key, &checkpoint(1)).and_then(|()| shelf.sync()).unwrap();
        let fs = FaultyFs::new(Arc::new(DiskFs), move |op| match op.index == n_fault + 1 {
            true => Verdict::Tear(20, std::io::ErrorKind::StorageFull.into()),
            false => Verdict::Pass,
        });
        let faulty = open(Arc::new(fs), dir.path());
        let written = faulty.write(&key, &checkpoint(2)).and_then(|()| faulty.sync());
        let found = open(Arc::new(DiskFs), dir.path()).read(&key).unwrap();
        let (old, new) = (Found::Sound(checkpoint(1)), Found::Sound(checkpoint(2)));
        assert!(found == new || (written.is_err() && found == old), "operation {n_fault}");
        n_new += u64::from(found == new);
        let sound = open(Arc::new(DiskFs), dir.path());
        let again = sound.write(&key, &checkpoint(3)).and_then(|()| sound.sync());
        assert!(again.is_ok(), "what a failure left is in nobody's way: {again:?}");
    }
    assert!((5..20).contains(&n_new), "{n_new}");
}

#[tokio::test]
async fn a_reader_of_the_disk_holds_no_more_than_it_may() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Duration::from_secs(1)));
    let options =
        LogOptions { tail_bytes: 0, ahead_bytes: 600, ..LogOptions::with_max_bytes(1 << 20) };
    let log = Log::open(Arc::new(DiskFs), clock, dir.path(), options).unwrap();
    let batch = Batch { signal: Signal::Logs, n_items: 1, payload: vec![0; 100].into() };
    let start = log.reader().start();
    for _ in 0..20 {
        log.append(&batch).unwrap();
    }
    let wake = Arc::new(Notify::new());
    let passed = Passed { position: start, ..Passed::default() };
    let key = Key::new("logs", "a");
    let [pipeline, from, to] = ["logs", "log", "a"].map(str::to_owned);
    let start = Start { key, role: Role::Primary, share: 1 << 20, passed, wake };
    let consumer =
        Consumer::start(&log.reader(), start, &Ledger::new(), EdgeId { pipeline, from, to });
    let mut held = VecDeque::new();
    let mut most = 0;
    for _ in 0..20 {
        // Records of 132 bytes: three are more than half of what it may hold.
        loop {
            match consumer.step() {
                Step::Item(item, _) => held.push_back(item),
                Step::Fetch(fetch) => fetch.run().await,
                Step::Busy | Step::Idle => break,
            }
        }
        most = most.max(held.len());
        let oldest = held.pop_front().unwrap();
        let amount = Amount::of(&oldest);
        oldest.settle(Totals::delivered(amount));
    }
    assert_eq!((most, held.len()), (3, 0));
}
