//! SIGKILL at any instant, over and over: what was acknowledged is delivered to every sink, whole, in order, and the
//! ledger still adds up.
//!
//! A life of the collector ends under load, while it starts or recovers, or while it drains. The instant is drawn and
//! slept to: it is the one thing here that no condition may choose, for the conditions we think of are the ones that
//! hold. How long a run takes and what it meets depends on the machine, so a seed repeats the choices, not the race.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::runtime::Runtime;

use crate::accounts::Accounts;
use crate::batch::{BatchId, Payloads};
use crate::checkpoints::Checkpoints;
use crate::journal::Journal;
use crate::oracle::{self, assert_sound};
use crate::rng::{self, Rng};
use crate::sender::{Manner, Patience, Promise, Senders, Target};
use crate::sink::{Behaviour, Sink};
use crate::site::{Setup, Site};
use crate::support::{Perch, send, wait_for};

/// The longest life under load.
const LIFE: Duration = Duration::from_millis(500);
/// The longest time between the order to stop and the kill.
const DRAIN: Duration = Duration::from_millis(200);
/// Two senders for each signal, over HTTP, and two over gRPC.
const N_STREAMS: u16 = 12;

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
    UnderLoad,
    /// Under load, after every checkpoint was replaced twice.
    AfterCheckpoints,
    WhileStarting,
    WhileDraining,
}

struct Harness<'a> {
    site: Site<'a>,
    senders: Senders,
    journal: Journal,
    payloads: Payloads,
    checkpoints: Checkpoints,
    rng: Rng,
    /// How long the last start took; recovery makes it longer than the first.
    start: Duration,
}

#[test]
fn nothing_acknowledged_is_lost_whenever_it_is_killed() {
    let n_cycles = rng::number("PERCH_SOAK_CYCLES").unwrap_or(20);
    cycles("ack durable", "durable", n_cycles);
}

#[test]
fn what_is_acknowledged_as_delivered_is_at_every_sink() {
    let n_cycles = rng::number("PERCH_SOAK_CYCLES").map_or(4, |n| n / 5);
    cycles("ack delivered", "delivered", n_cycles);
}

fn cycles(test: &str, ack: &'static str, n_cycles: u64) {
    let seed = rng::seed(test);
    let runtime = Runtime::new().unwrap();
    let payloads = Payloads { seed, max_items: 40, max_text: 400 };
    let sinks = Sink::three(runtime.handle(), payloads);
    let journal = Journal::default();
    let pace = Duration::from_millis(10);
    let (n_streams, with_grpc, patience) = (N_STREAMS, true, Patience::ByLot);
    let manner = Manner { payloads, n_streams, with_grpc, pace, patience };
    let promise = (ack == "delivered").then(|| at_every_sink(&sinks));
    let setup = Setup { ack, max_bytes: "12MiB", memory_mib: 256 };
    let site = Site::new(setup, &sinks);
    let mut harness = Harness {
        checkpoints: Checkpoints::below(&site.storage()),
        site,
        senders: Senders::start(runtime.handle(), manner, &journal, promise),
        journal,
        payloads,
        rng: Rng::new(seed),
        start: Duration::ZERO,
    };
    let mut empty = harness.begin();
    assert!(empty.end_by(Signal::TERM).success());
    let mut deaths = deaths(n_cycles);
    harness.rng.shuffle(&mut deaths);
    for death in &deaths {
        harness.live(*death);
    }
    harness.end(test, &deaths);
}

/// A quarter of them while it starts, a quarter while it drains, the others under load.
fn deaths(n_cycles: u64) -> Vec<Death> {
    use Death::{AfterCheckpoints, UnderLoad, WhileDraining, WhileStarting};
    let short = [UnderLoad, WhileStarting, UnderLoad, WhileDraining];
    let long = [AfterCheckpoints, WhileStarting, UnderLoad, WhileDraining];
    let kinds = [long, short].concat();
    kinds.into_iter().cycle().take(n_cycles as usize).collect()
}

fn at_every_sink(sinks: &[Sink]) -> Promise {
    let looks: Vec<_> = sinks.iter().map(|sink| (sink.name, sink.look())).collect();
    Arc::new(move |id: BatchId| match looks.iter().find(|(_, n_times)| n_times(id) == 0) {
        Some((name, _)) => Err(format!("{id} was acknowledged before it was at {name}")),
        None => Ok(()),
    })
}

fn assert_no_panic(said: &str) {
    assert!(!said.contains("panicked"), "{said}");
}

impl Harness<'_> {
    fn live(&mut self, death: Death) {
        self.upset_sinks();
        if death == Death::WhileStarting {
            let starting = self.site.spawn();
            self.checkpoints.begin(self.site.epoch);
            sleep(self.rng.shorter_than(self.start + self.start / 4));
            return assert_no_panic(&starting.kill());
        }
        let mut perch = self.begin();
        self.senders.turn_to(Target::of(&perch));
        if death == Death::AfterCheckpoints {
            self.behave_well();
            wait_for("all checkpoints move on", || {
                self.checkpoints.look(self.site.sinks).then_some(())
            });
        }
        self.checkpoints.watch(self.site.sinks, self.rng.shorter_than(LIFE));
        self.upset_sinks();
        self.checkpoints.watch(self.site.sinks, self.rng.shorter_than(LIFE / 2));
        if death == Death::WhileDraining {
            send(perch.pid(), Signal::TERM);
            sleep(self.rng.shorter_than(DRAIN));
        }
        perch.end_by(Signal::KILL);
        self.senders.turn_to(Target::Nowhere);
        assert_no_panic(&perch.said());
    }

    /// Lets some sinks misbehave, by lot.
    fn upset_sinks(&mut self) {
        use Behaviour::{Away, Refuse, Slow, Swallow, Take};
        for sink in self.site.sinks {
            let slow = Slow(Duration::from_millis(3));
            let behaviour = self.rng.pick(&[Take, Take, Take, Take, slow, Swallow, Refuse, Away]);
            sink.behave(behaviour);
        }
    }

    fn behave_well(&self) {
        self.site.sinks.iter().for_each(|sink| sink.behave(Behaviour::Take));
    }

    /// The next life, and its ledger before anybody sends.
    fn begin(&mut self) -> Perch {
        let before = Instant::now();
        let perch = self.site.start();
        self.start = before.elapsed();
        self.checkpoints.begin(self.site.epoch);
        let accounts = Accounts::balanced(&perch);
        let faults =
            oracle::early_faults(&accounts, &self.payloads, &self.journal.read(), self.site.sinks);
        assert_sound(&format!("life {} begins", self.site.epoch), &faults);
        perch
    }

    fn n_acked_by_stream(&self) -> Vec<usize> {
        let sent = self.journal.read();
        let n_acked = |stream| sent.acked().filter(|id| id.stream == stream).count();
        (0..N_STREAMS).map(n_acked).collect()
    }

    fn end(mut self, test: &str, deaths: &[Death]) {
        self.behave_well();
        let mut perch = self.begin();
        let before = self.n_acked_by_stream();
        self.senders.turn_to(Target::of(&perch));
        wait_for("every sender is served again", || {
            let now = self.n_acked_by_stream();
            before.iter().zip(now).all(|(before, now)| now > *before).then_some(())
        });
        self.senders.end();
        let accounts = Accounts::drained(&perch);
        assert!(perch.end_by(Signal::TERM).success());
        assert_no_panic(&perch.said());

        let sent = self.journal.read();
        let taken: Vec<_> = self.site.sinks.iter().map(|s| (s.name, s.taken().clone())).collect();
        let sinks: Vec<_> = taken.iter().map(|(name, taken)| (*name, taken)).collect();
        let n = |death| deaths.iter().filter(|d| **d == death).count();
        println!(
            "{test}: killed {} times under load, {} starting, {} draining; {}",
            n(Death::UnderLoad) + n(Death::AfterCheckpoints),
            n(Death::WhileStarting),
            n(Death::WhileDraining),
            oracle::report(&sent, &sinks)
        );
        assert_sound("the run", &oracle::faults(&sent, &sinks));
        let faults = oracle::replay_faults(&sent, self.site.sinks, &self.checkpoints);
        assert_sound("what came twice", &faults);
        let faults = oracle::account_faults(&accounts, &self.payloads, &sent, &sinks);
        assert_sound("the ledger", &faults);
        assert!(sent.acked().count() > deaths.len(), "there was hardly any load");
        drop(sent);

        // After an orderly end nothing is left to say twice.
        let mut perch = self.site.start();
        let again = Accounts::drained(&perch);
        for edge in &accounts.edges {
            let now =
                again.edges.iter().find(|e| (&e.pipeline, &e.to) == (&edge.pipeline, &edge.to));
            let totals = now.map(|e| (e.entered, e.delivered));
            assert_eq!(totals, Some((edge.entered, edge.delivered)), "{edge:?}");
        }
        assert!(perch.end_by(Signal::TERM).success());
        for (sink, (_, before)) in self.site.sinks.iter().zip(&taken) {
            assert_eq!(sink.taken().n_batches, before.n_batches, "sink {}", sink.name);
        }
    }
}
