//! Compares what senders were told with what sinks took and with what the ledger says.

use std::fmt;

use collector_otlp::Signal;

use crate::accounts::Accounts;
use crate::batch::{BatchId, Payloads};
use crate::checkpoints::Checkpoints;
use crate::journal::Entries;
use crate::sink::Sink;
use crate::taken::{Replay, Taken};

/// Faults of one kind beyond these say nothing new.
const MAX_FAULTS: usize = 10;

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Report {
    n_batches: usize,
    n_acked: usize,
    n_refused: u64,
    n_unanswered: u64,
    /// Batches without success that were delivered all the same.
    n_delivered_unacked: usize,
    /// Deliveries beyond the first, over all sinks.
    n_duplicates: u64,
    /// Those of them that a later life of the collector made.
    n_replayed: usize,
}

/// What is wrong with a run; nothing if all that was promised was kept.
pub(crate) fn faults(sent: &Entries, sinks: &[(&str, &Taken)]) -> Vec<String> {
    let mut faults = sent.faults.clone();
    for (name, taken) in sinks {
        let mut found = taken.faults.clone();
        let lost = sent.acked().filter(|id| taken.n_times(*id) == 0);
        found.extend(lost.take(MAX_FAULTS).map(|id| format!("{id} was acknowledged and is lost")));
        let unknown = taken.all().filter(|(id, _)| sent.sent(*id).n_attempts == 0);
        found.extend(unknown.take(MAX_FAULTS).map(|(id, _)| format!("nobody sent {id}")));
        found.extend(taken.repeated(|id| sent.sent(id).n_attempts));
        let (first, theirs) = sinks[0];
        let differing = sent.all().filter(|(id, _)| {
            // One log feeds all of them, so they have the same batches in the end, also those without success.
            (taken.n_times(*id) == 0) != (theirs.n_times(*id) == 0)
        });
        let differing = differing.take(MAX_FAULTS);
        found.extend(differing.map(|(id, _)| format!("{id} is here or at {first}, not at both")));
        faults.extend(found.into_iter().map(|fault| format!("sink {name}: {fault}")));
    }
    faults
}

/// What is wrong with a drained ledger beside what was sent and taken.
pub(crate) fn account_faults(
    accounts: &Accounts,
    payloads: &Payloads,
    sent: &Entries,
    sinks: &[(&str, &Taken)],
) -> Vec<String> {
    let mut faults = Vec::new();
    for signal in Signal::ALL {
        let pipeline = signal.name();
        let ours = |id: &BatchId| id.signal() == signal;
        let items = |id: BatchId| payloads.n_items(id);
        let n_acked: u64 = sent.acked().filter(ours).map(items).sum();
        let all = sent.all().filter(|(id, _)| ours(id));
        let n_attempted: u64 = all.map(|(id, s)| items(id) * u64::from(s.n_attempts)).sum();
        let received = accounts.receiver(pipeline);
        if !(n_acked..=n_attempted).contains(&received.entered) || received.n_dropped() > 0 {
            faults.push(format!("{n_acked} acked, {n_attempted} attempted: {received:?}"));
        }
        for (name, taken) in sinks {
            let edge = accounts.exporter(pipeline, name);
            let all = || taken.all().filter(|(id, _)| ours(id));
            let n_unique: u64 = all().map(|(id, _)| items(id)).sum();
            let n_taken: u64 = all().map(|(id, n)| items(id) * u64::from(n)).sum();
            let agrees = edge.entered == received.delivered
                && edge.delivered == edge.entered
                && (n_unique..=n_taken).contains(&edge.delivered);
            if !agrees {
                let log = received.delivered;
                faults.push(format!(
                    "{n_unique} items and {n_taken} with duplicates at the sink, {log} in the log: {edge:?}"
                ));
            }
        }
    }
    faults
}

/// The accounts' word on a process that begins its next life, of what was sent and taken before: nothing that was
/// acknowledged is out of the account, and nothing counts as delivered that no sink took.
pub(crate) fn early_faults(
    accounts: &Accounts,
    payloads: &Payloads,
    sent: &Entries,
    sinks: &[Sink],
) -> Vec<String> {
    let mut faults = Vec::new();
    for signal in Signal::ALL {
        let pipeline = signal.name();
        let acked = sent.acked().filter(|id| id.signal() == signal);
        let n_acked: u64 = acked.map(|id| payloads.n_items(id)).sum();
        let received = accounts.receiver(pipeline);
        if received.delivered < n_acked {
            faults.push(format!("{n_acked} acked: {received:?}"));
        }
        for sink in sinks {
            let edge = accounts.exporter(pipeline, sink.name);
            // The sink took before the collector counted, so it is read after.
            let taken = sink.taken();
            let all = taken.all().filter(|(id, _)| id.signal() == signal);
            let n_taken: u64 = all.map(|(id, n)| payloads.n_items(id) * u64::from(n)).sum();
            if edge.entered != received.delivered || edge.delivered > n_taken {
                faults
                    .push(format!("{n_taken} taken, {} in the log: {edge:?}", received.delivered));
            }
        }
    }
    faults
}

/// Batches that a life delivered although they were settled for good when it began. What its sender sent twice may
/// come twice.
pub(crate) fn replay_faults(sent: &Entries, sinks: &[Sink], known: &Checkpoints) -> Vec<String> {
    let mut faults = Vec::new();
    for sink in sinks {
        let taken = sink.taken();
        let once = taken.replays.iter().filter(|replay| sent.sent(replay.id).n_attempts == 1);
        let too_far = once.filter_map(|Replay { id, epoch, place }| {
            let settled = known.settled(*epoch, sink.name, id.signal(), *place);
            settled.then(|| format!("sink {}: epoch {epoch} went back to {id}", sink.name))
        });
        faults.extend(too_far.take(MAX_FAULTS));
    }
    faults
}

/// Panics with all faults, if there are any.
pub(crate) fn assert_sound(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}:\n{}", faults.join("\n"));
}

/// What the run came to, for people.
pub(crate) fn report(sent: &Entries, sinks: &[(&str, &Taken)]) -> Report {
    let mut report = Report {
        n_batches: sent.all().count(),
        n_acked: sent.acked().count(),
        n_refused: sent.n_refused(),
        n_unanswered: sent.n_unanswered,
        ..Default::default()
    };
    for (_, taken) in sinks {
        let unacked = taken.all().filter(|(id, _)| !sent.sent(*id).acked);
        report.n_delivered_unacked = unacked.count();
        let once = taken.replays.iter().filter(|replay| sent.sent(replay.id).n_attempts == 1);
        report.n_replayed += once.count();
        report.n_duplicates += taken.all().map(|(_, n)| u64::from(n) - 1).sum::<u64>();
    }
    report
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n_batches, n_acked, n_refused, n_unanswered, .. } = self;
        let Self { n_delivered_unacked, n_duplicates, n_replayed, .. } = self;
        write!(
            f,
            "{n_batches} batches, {n_acked} acked, {n_refused} refusals, {n_unanswered} attempts without reply; \
             at each sink {n_delivered_unacked} delivered without ack, at all {n_duplicates} duplicates, \
             {n_replayed} of them by going back to a checkpoint"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::faults;
    use crate::batch::BatchId;
    use crate::journal::Journal;
    use crate::taken::Taken;

    fn id(number: u64) -> BatchId {
        BatchId { stream: 0, number }
    }

    /// Four batches, of which the last was not acknowledged.
    fn sent() -> Journal {
        let journal = Journal::default();
        (0..4).for_each(|n| journal.attempt(id(n)));
        (0..3).for_each(|n| journal.acked(id(n)));
        journal
    }

    fn taken(lives: &[&[u64]]) -> Taken {
        let mut taken = Taken::default();
        for (epoch, numbers) in (1..).zip(lives) {
            numbers.iter().for_each(|n| taken.take(epoch, &[id(*n)], true));
        }
        taken
    }

    fn check(lives: &[&[u64]], expect: &str) {
        let taken = taken(lives);
        let found = faults(&sent().read(), &[("a", &taken)]).join("; ");
        let is_right = if expect.is_empty() { found.is_empty() } else { found.contains(expect) };
        assert!(is_right, "{lives:?}: {found:?} instead of {expect:?}");
    }

    #[test]
    fn the_oracle_finds_what_is_wrong() {
        check(&[&[0, 1, 2]], "");
        check(&[&[0, 1, 2, 3]], "");
        check(&[&[0, 1], &[0, 1, 2], &[2, 3]], "");
        check(&[&[0, 1]], "batch 0/2 was acknowledged and is lost");
        check(&[&[0, 1, 2, 4]], "nobody sent traces batch 0/4");
        check(&[&[0, 2, 1]], "batch 0/1 came after 2");
        check(&[&[0, 2], &[1, 2]], "batch 0/1 came for the first time after later ones");
        check(&[&[0, 1, 1, 2]], "batch 0/1 came 2 times, 1 allowed");
    }

    #[test]
    fn a_reply_that_was_kept_back_allows_one_more() {
        let mut found = taken(&[&[0]]);
        found.take(1, &[id(1)], false);
        (1..3).for_each(|n| found.take(1, &[id(n)], true));
        assert!(faults(&sent().read(), &[("a", &found)]).is_empty());
    }

    #[test]
    fn sinks_of_one_log_have_the_same() {
        let (all, less) = (taken(&[&[0, 1, 2, 3]]), taken(&[&[0, 1, 2]]));
        let found = faults(&sent().read(), &[("a", &all), ("b", &less)]);
        assert_eq!(found, ["sink b: traces batch 0/3 is here or at a, not at both"]);
    }
}
