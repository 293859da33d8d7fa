//! Watches the checkpoints on disk, and says how far back a killed collector may go.
//!
//! A checkpoint that replaced another was taken after the other stood there. So whatever a sink took in this life before
//! the other was there, one batch in flight apart, is behind the checkpoint, and must not be delivered again. What it
//! took in earlier lives says nothing: it may be among what the present life has yet to repeat. No time is involved.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use collector_otlp::Signal;

use crate::sink::Sink;

/// Batches of one pipeline that may be under way to a sink.
const N_IN_FLIGHT: u64 = 1;
/// How often the files are looked at; a change that is missed makes the bound looser, never wrong.
const LOOK: Duration = Duration::from_millis(3);

/// An exporter's cursor in one pipeline: the sink's name and the pipeline's signal.
type Cursor = (&'static str, &'static str);

/// What is known of the checkpoints.
pub(crate) struct Checkpoints {
    folder: PathBuf,
    seen: HashMap<Cursor, Seen>,
    settled: HashMap<Cursor, Vec<Settled>>,
    life: u32,
}

/// Places among a sink's batches that one life settled for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Settled {
    life: u32,
    from: u64,
    to: u64,
}

/// The checkpoint of one cursor in the present life.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    file: Option<(u64, i64, i64)>,
    /// Batches its sink had when the life began, or a little later.
    n_taken_first: u64,
    /// Batches its sink had when it was seen last.
    n_taken: u64,
    /// The same of the checkpoint before.
    n_taken_before: Option<u64>,
    n_changes: u32,
}

impl Checkpoints {
    /// Those below a storage folder.
    pub(crate) fn below(storage: &Path) -> Self {
        let (seen, settled) = Default::default();
        Self { folder: storage.join("consumers"), seen, settled, life: 0 }
    }

    /// The next life begins.
    pub(crate) fn begin(&mut self, epoch: u32) {
        self.seen.clear();
        self.life = epoch;
    }

    /// Looks at all of them for a while.
    pub(crate) fn watch(&mut self, sinks: &[Sink], lasting: Duration) {
        let end = Instant::now() + lasting;
        loop {
            self.look(sinks);
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(LOOK));
        }
    }

    /// Looks at all of them once; whether each was replaced twice in this life.
    pub(crate) fn look(&mut self, sinks: &[Sink]) -> bool {
        let mut all_replaced = true;
        for sink in sinks {
            for signal in Signal::ALL {
                let cursor = (sink.name, signal.name());
                // First the sink, then the file: what is counted was there before the file was looked at.
                let n_taken = sink.taken().n_of(signal);
                all_replaced &= self.note(cursor, n_taken) >= 2;
            }
        }
        all_replaced
    }

    /// Looks at one whose sink has so many batches; how often it was replaced in this life.
    fn note(&mut self, cursor: Cursor, n_taken: u64) -> u32 {
        let file = stamp(&self.folder.join(file_name(cursor)));
        let begun = Seen { file, n_taken_first: n_taken, ..Default::default() };
        let seen = self.seen.entry(cursor).or_insert(begun);
        if seen.file != file {
            if let Some(n) = seen.n_taken_before.replace(seen.n_taken) {
                let (life, from) = (self.life, seen.n_taken_first);
                let all = self.settled.entry(cursor).or_default();
                all.retain(|settled| settled.life < life);
                all.push(Settled { life, from, to: n.saturating_sub(N_IN_FLIGHT).max(from) });
            }
            seen.file = file;
            seen.n_changes += 1;
        }
        seen.n_taken = n_taken;
        seen.n_changes
    }

    /// Whether the batch that a sink took at `place` of its signal was settled before the life `epoch`.
    pub(crate) fn settled(
        &self,
        epoch: u32,
        sink: &'static str,
        signal: Signal,
        place: u64,
    ) -> bool {
        let all = self.settled.get(&(sink, signal.name())).map_or(&[][..], Vec::as_slice);
        let n_before = all.partition_point(|settled| settled.from <= place);
        let settled = n_before.checked_sub(1).map(|i| all[i]);
        settled.is_some_and(|settled| settled.life < epoch && place < settled.to)
    }
}

fn file_name((sink, pipeline): Cursor) -> String {
    format!("{pipeline}@otlp_http+{sink}.cursor")
}

/// Tells one version of a file from the next.
fn stamp(path: &Path) -> Option<(u64, i64, i64)> {
    let meta = fs::metadata(path).ok()?;
    Some((meta.ino(), meta.mtime(), meta.mtime_nsec()))
}

#[test]
fn what_was_there_before_the_checkpoint_before_the_last_is_settled() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("consumers")).unwrap();
    let mut known = Checkpoints::below(dir.path());
    let cursor = ("a", "traces");
    let replace = |n: u32| {
        let new = dir.path().join("new");
        fs::write(&new, n.to_string()).unwrap();
        // A link apart from the file itself keeps its number from being used again.
        fs::hard_link(&new, dir.path().join(n.to_string())).unwrap();
        #[allow(clippy::disallowed_methods, reason = "no file of the product")]
        fs::rename(&new, dir.path().join("consumers").join(file_name(cursor))).unwrap();
    };
    let settled = |known: &Checkpoints, epoch| {
        (0..100).filter(|n| known.settled(epoch, "a", Signal::Traces, *n)).collect::<Vec<_>>()
    };
    known.begin(1);
    known.note(cursor, 10);
    replace(1);
    known.note(cursor, 20);
    assert_eq!(settled(&known, 2), [0; 0], "one replaced nothing");
    known.note(cursor, 30);
    replace(2);
    known.note(cursor, 40);
    known.note(cursor, 50);
    replace(3);
    known.note(cursor, 60);
    assert_eq!(settled(&known, 2), Vec::from_iter(10..30 - N_IN_FLIGHT));
    assert_eq!(settled(&known, 1), [0; 0], "within a life the order tells");
    known.begin(2);
    known.note(cursor, 60);
    replace(4);
    known.note(cursor, 70);
    assert_eq!(settled(&known, 3), settled(&known, 2), "a life must replace two by itself");
    replace(5);
    known.note(cursor, 80);
    replace(6);
    known.note(cursor, 90);
    let second = 60..70 - N_IN_FLIGHT;
    assert_eq!(settled(&known, 3), Vec::from_iter((10..30 - N_IN_FLIGHT).chain(second)));
}
