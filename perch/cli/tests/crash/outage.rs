//! Each backend in turn is away for longer than memory can hold: the others are served meanwhile, and afterwards it
//! has everything, in order. Then the same with a SIGKILL in the middle.

use std::time::Duration;

use rustix::process::Signal;
use tokio::runtime::Runtime;

use crate::accounts::Accounts;
use crate::batch::Payloads;
use crate::journal::Journal;
use crate::oracle::{self, assert_sound};
use crate::rng;
use crate::sender::{Manner, Patience, Senders, Target};
use crate::sink::{Behaviour, Sink};
use crate::site::{Setup, Site};
use crate::support::{Perch, wait_for};

/// What the process may use.
const MEMORY_MIB: u64 = 64;

#[test]
fn a_backend_that_was_away_misses_nothing_and_the_others_never_notice() {
    outages("outage", false);
}

#[test]
fn an_outage_outlives_the_collector() {
    outages("outage and kill", true);
}

fn outages(test: &str, with_kill: bool) {
    let seed = rng::seed(test);
    let runtime = Runtime::new().unwrap();
    // Large batches: it is bytes that memory cannot hold.
    let payloads = Payloads { seed, max_items: 16, max_text: 64 << 10 };
    let sinks = Sink::three(runtime.handle(), payloads);
    let journal = Journal::default();
    let pace = Duration::from_millis(1);
    let patience = Patience::Endless;
    let manner = Manner { payloads, n_streams: 6, with_grpc: true, pace, patience };
    let senders = Senders::start(runtime.handle(), manner, &journal, None);
    let setup = Setup { ack: "durable", max_bytes: "2GiB", memory_mib: MEMORY_MIB };
    let mut site = Site::new(setup, &sinks);
    let mut perch = site.start();
    for away in &sinks {
        away.behave(Behaviour::Away);
        senders.turn_to(Target::of(&perch));
        wait_for("more waits than memory holds", || {
            (n_waiting_bytes(&perch, away) > MEMORY_MIB << 20).then_some(())
        });
        senders.turn_to(Target::Nowhere);
        others_have_all(&sinks, away, &journal);
        assert_bounded(&perch);
        if with_kill {
            perch.end_by(Signal::KILL);
            perch = site.start();
            Accounts::balanced(&perch);
            let before = journal.read().acked().count();
            senders.turn_to(Target::of(&perch));
            wait_for("it goes on", || (journal.read().acked().count() > before + 6).then_some(()));
            senders.turn_to(Target::Nowhere);
            others_have_all(&sinks, away, &journal);
        }
        let waiting = n_waiting_bytes(&perch, away);
        assert!(waiting > MEMORY_MIB << 20, "{waiting} bytes wait for the one that is away");
        away.behave(Behaviour::Take);
        wait_for("it has all it missed", || has_all(away, &journal).then_some(()));
        assert_bounded(&perch);
    }
    senders.end();
    let accounts = Accounts::drained(&perch);
    assert!(perch.end_by(Signal::TERM).success());
    let sent = journal.read();
    let taken: Vec<_> = sinks.iter().map(|sink| (sink.name, sink.taken())).collect();
    let taken: Vec<_> = taken.iter().map(|(name, taken)| (*name, &**taken)).collect();
    println!("{test}: {}", oracle::report(&sent, &taken));
    assert_sound(test, &oracle::faults(&sent, &taken));
    assert_sound(test, &oracle::account_faults(&accounts, &payloads, &sent, &taken));
}

/// Bytes that wait for an exporter, over all pipelines.
fn n_waiting_bytes(perch: &Perch, sink: &Sink) -> u64 {
    let to = format!("otlp_http/{}", sink.name);
    let accounts = Accounts::of(perch);
    accounts.edges.iter().filter(|edge| edge.to == to).map(|edge| edge.queued_bytes).sum()
}

fn has_all(sink: &Sink, journal: &Journal) -> bool {
    let sent = journal.read();
    let taken = sink.taken();
    sent.acked().all(|id| taken.n_times(id) > 0)
}

/// While one is away, whatever is acknowledged reaches the others.
fn others_have_all(sinks: &[Sink], away: &Sink, journal: &Journal) {
    for sink in sinks.iter().filter(|sink| sink.name != away.name) {
        wait_for("the others have all", || has_all(sink, journal).then_some(()));
    }
    assert!(!has_all(away, journal));
}

/// What waits does not wait in memory: more than the limit waits for each sink that is away. The limit counts all
/// there is of the process: requests, what is read ahead, what the allocator keeps, code and stacks.
fn assert_bounded(perch: &Perch) {
    let peak = crate::site::peak_mib(perch.pid());
    assert!(peak <= MEMORY_MIB, "{peak} MiB of {MEMORY_MIB}");
}
