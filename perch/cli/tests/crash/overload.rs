//! Twice the load that the sinks and `max_bytes` leave room for: memory stays under its limit, refusals are exact, and
//! what is acknowledged arrives.
//!
//! `PERCH_SOAK_SECONDS` makes it last and judges the rate as well.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::runtime::Runtime;

use crate::accounts::Accounts;
use crate::batch::Payloads;
use crate::journal::{Entries, Journal};
use crate::oracle::{self, assert_sound};
use crate::rng;
use crate::sender::{Manner, Patience, Senders, Target};
use crate::sink::{Behaviour, Sink};
use crate::site::{Setup, Site, peak_mib};
use crate::support::wait_for;

/// What the process may use.
const MEMORY_MIB: u64 = 64;
/// A sink takes one batch in that time; in a short run a slow one is soon overrun, however busy the machine.
const EACH: Duration = Duration::from_millis(25);
const EACH_IN_SOAK: Duration = Duration::from_millis(5);
const N_STREAMS: u16 = 12;
/// Refusals of each kind and acknowledgements that a short run waits for.
const ENOUGH: u64 = 20;

#[test]
fn twice_the_load_is_refused_exactly_and_loses_nothing() {
    let test = "overload";
    let seed = rng::seed(test);
    let soak = rng::number("PERCH_SOAK_SECONDS").map(Duration::from_secs);
    let each = if soak.is_some() { EACH_IN_SOAK } else { EACH };
    let runtime = Runtime::new().unwrap();
    let payloads = Payloads { seed, max_items: 8, max_text: 16 << 10 };
    let sinks = Sink::three(runtime.handle(), payloads);
    sinks.iter().for_each(|sink| sink.behave(Behaviour::Paced(each)));
    let journal = Journal::default();
    // All senders together: one batch in half the time that a sink takes for it.
    let pace = each * u32::from(N_STREAMS) / 2;
    let (n_streams, with_grpc, patience) = (N_STREAMS, true, Patience::None);
    let manner = Manner { payloads, n_streams, with_grpc, pace, patience };
    let senders = Senders::start(runtime.handle(), manner, &journal, None);
    let setup = Setup { ack: "durable", max_bytes: "12MiB", memory_mib: MEMORY_MIB };
    let mut site = Site::new(setup, &sinks);
    let mut perch = site.start();
    senders.turn_to(Target::of(&perch));

    wait_for("both transports refuse", || is_enough(&journal.read()).then_some(()));
    if let Some(lasting) = soak {
        judge_rate(&journal, &sinks, lasting, 1.0 / each.as_secs_f64());
    }
    senders.end();
    let peak = peak_mib(perch.pid());
    sinks.iter().for_each(|sink| sink.behave(Behaviour::Take));
    let accounts = Accounts::drained(&perch);
    assert!(perch.end_by(Signal::TERM).success());

    let sent = journal.read();
    let taken: Vec<_> = sinks.iter().map(|sink| (sink.name, sink.taken())).collect();
    let taken: Vec<_> = taken.iter().map(|(name, taken)| (*name, &**taken)).collect();
    println!("{test}: {}; peak {peak} MiB, {:?}", oracle::report(&sent, &taken), sent.refused);
    assert!(peak <= MEMORY_MIB, "{peak} MiB of {MEMORY_MIB}");
    assert_sound(test, &oracle::faults(&sent, &taken));
    assert_sound(test, &oracle::account_faults(&accounts, &payloads, &sent, &taken));
}

fn is_enough(sent: &Entries) -> bool {
    let refused = |status: &str| sent.refused.get(status).is_some_and(|n| *n >= ENOUGH);
    let n_acked = sent.acked().count() as u64;
    refused("HTTP 429") && refused("RESOURCE_EXHAUSTED") && n_acked >= ENOUGH
}

/// For as long as the load lasts, what is accepted keeps up with what the sinks take: refusing costs little.
fn judge_rate(journal: &Journal, sinks: &[Sink], lasting: Duration, capacity: f64) {
    let count = || {
        let n_acked = journal.read().acked().count() as f64;
        (n_acked, sinks.iter().map(|sink| sink.taken().n_batches as f64).fold(f64::MAX, f64::min))
    };
    let (began, before) = (Instant::now(), count());
    std::thread::sleep(lasting);
    let (seconds, after) = (began.elapsed().as_secs_f64(), count());
    let (accepted, taken) = ((after.0 - before.0) / seconds, (after.1 - before.1) / seconds);
    println!("{accepted:.0} batches/s accepted, {taken:.0} taken, {capacity:.0} possible");
    assert!(accepted >= 0.7 * capacity, "{accepted} of {capacity} batches a second");
}
