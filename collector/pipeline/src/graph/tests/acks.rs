//! What a reply promises, on disks that fail, hang and forget.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Condvar;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use durable_fs::Op;

use super::*;
use crate::log::{Log, LogOptions};

/// One `hand`, one `sink`, a log pipeline for each of `pipelines` with its `ack`.
fn config(name: &str, dir: &Path, pipelines: &[(&str, &str)]) -> String {
    let pipelines: Vec<String> = pipelines
        .iter()
        .map(|(p, ack)| {
            format!("logs/{p}: {{receivers: [hand/{name}], exporters: [sink/{name}], ack: {ack}}}")
        })
        .collect();
    format!(
        "receivers: {{hand/{name}: }}\nexporters: {{sink/{name}: }}\n\
         storage: {{directory: '{}'}}\nservice: {{pipelines: {{{}}}}}",
        dir.display(),
        pipelines.join(", ")
    )
}

async fn run_on(
    text: &str,
    judge: impl Fn(&Op) -> Verdict + Send + Sync + 'static,
) -> (Running, Metrics) {
    let host = host(Arc::new(FaultyFs::new(Arc::new(DiskFs), judge)));
    let metrics = host.metrics.clone();
    let graph = Graph::build(&parse(text), &REGISTRY, host).unwrap();
    (graph.start().await.unwrap(), metrics)
}

fn marked(mark: u8) -> Batch {
    let payload = Bytes::from(vec![mark; 100]);
    Batch { signal: Signal::Logs, n_items: 1, payload: payload.into() }
}

/// The marks of all records of one pipeline's log, read from disk as a new process would.
fn marks(dir: &Path, pipeline: &str) -> Vec<u8> {
    let dir = dir.join("log").join(format!("logs+{pipeline}"));
    let clock = Arc::new(SystemClock::new());
    let options = LogOptions::with_max_bytes(1 << 30);
    let reader = Log::open(Arc::new(DiskFs), clock, &dir, options).unwrap().reader();
    let segments = reader.segments();
    let records = segments.iter().flat_map(|s| reader.scan(s.id));
    records.map(|r| r.unwrap().batch.payload[0]).collect()
}

fn is_segment(op: &Op) -> bool {
    op.path.extension().is_some_and(|e| e == "seg")
}

fn fail() -> Verdict {
    Verdict::Fail(io::ErrorKind::StorageFull.into())
}

/// Makes operations wait, and says how many came.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    n_came: AtomicUsize,
}

impl Gate {
    fn pass(&self) {
        self.n_came.fetch_add(1, SeqCst);
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// A machine that keeps of each file what was synced, and of each folder the names that were.
#[derive(Default)]
struct Machine {
    synced: Mutex<BTreeMap<PathBuf, usize>>,
    named: Mutex<BTreeSet<PathBuf>>,
    n_syncs: AtomicUsize,
    dead: AtomicBool,
}

impl Machine {
    /// Carries `op` out, unless the machine died at its `dies_at`th fsync.
    fn judge(&self, op: &Op, dies_at: usize) -> Verdict {
        let syncs = matches!(op.kind, OpKind::Sync | OpKind::SyncDir);
        if syncs && self.n_syncs.fetch_add(1, SeqCst) >= dies_at {
            self.dead.store(true, SeqCst);
        }
        if self.dead.load(SeqCst) {
            return fail();
        }
        match op.kind {
            OpKind::Sync => {
                let len = std::fs::read(&op.path).unwrap().len();
                self.synced.lock().unwrap().insert(op.path.clone(), len);
            }
            OpKind::SyncDir => self.named.lock().unwrap().extend(DiskFs.list(&op.path).unwrap()),
            _ => {}
        }
        Verdict::Pass
    }

    /// Leaves in `dir` what a loss of power could: of what was not synced the first half is there,
    /// and then garbage.
    fn lose_power(&self, dir: &Path) {
        for path in DiskFs.list(dir).unwrap_or_default() {
            if !self.named.lock().unwrap().contains(&path) {
                std::fs::remove_file(&path).unwrap();
                continue;
            }
            let mut bytes = std::fs::read(&path).unwrap();
            let kept = self.synced.lock().unwrap().get(&path).copied().unwrap_or(0);
            let half = kept + (bytes.len() - kept) / 2;
            bytes[half..].fill(0xa5);
            std::fs::write(&path, bytes).unwrap();
        }
    }
}

#[tokio::test]
async fn durable_replies_survive_the_machine_whenever_it_dies() {
    let mut n_acked_in_all = 0;
    for dies_at in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let machine = Arc::new(Machine::default());
        let judge = Arc::clone(&machine);
        let text = config("mortal", dir.path(), &[("one", "durable")]);
        let host =
            host(Arc::new(FaultyFs::new(Arc::new(DiskFs), move |op| judge.judge(op, dies_at))));
        let Ok(graph) = Graph::build(&parse(&text), &REGISTRY, host) else { continue };
        let graph = graph.start().await.unwrap();
        let mut acked = BTreeSet::new();
        for round in 0..12_u8 {
            // Three at once, so that some share an fsync.
            let marks = [round * 3, round * 3 + 1, round * 3 + 2];
            let offered = marks.map(|mark| (mark, intake("hand/mortal").offer(marked(mark))));
            for (mark, offered) in offered {
                if offered.await == Admission::Accepted {
                    acked.insert(mark);
                }
            }
        }
        let report = graph.shutdown(Duration::from_secs(20)).await;
        report.ledger.assert_balanced();
        machine.lose_power(&dir.path().join("log/logs+one"));
        let kept = marks(dir.path(), "one");
        let found: BTreeSet<u8> = kept.iter().copied().collect();
        assert!(acked.is_subset(&found), "died at {dies_at}: {acked:?} acked, {found:?} found");
        assert_eq!(kept.len(), found.len(), "died at {dies_at}: {kept:?}");
        n_acked_in_all += acked.len();
        if !machine.dead.load(SeqCst) {
            assert_eq!(acked.len(), 36);
            break;
        }
    }
    assert!(n_acked_in_all > 100, "the machine died before anything was acknowledged");
}

#[tokio::test]
async fn durable_refuses_when_fsync_fails_and_keeps_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let ill = Arc::new(AtomicBool::new(false));
    let disk = Arc::clone(&ill);
    let text = config("ill", dir.path(), &[("one", "durable")]);
    let (graph, _) = run_on(&text, move |op| match op.kind {
        OpKind::Sync if is_segment(op) && disk.load(SeqCst) => fail(),
        _ => Verdict::Pass,
    })
    .await;
    let intake = intake("hand/ill");
    assert_eq!(offer(&intake, marked(1)).await, Admission::Accepted);
    ill.store(true, SeqCst);
    for mark in [2, 3] {
        let refused = offer(&intake, marked(mark)).await;
        assert!(matches!(refused, Admission::Unavailable { .. }), "{refused:?}");
    }
    ill.store(false, SeqCst);
    assert_eq!(offer(&intake, marked(4)).await, Admission::Accepted);
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    assert_eq!(report.ledger.edge("logs/one", "log", "sink/ill").unwrap().delivered, 2);
    assert_eq!(marks(dir.path(), "one"), [1, 4]);
}

#[tokio::test]
async fn durable_batches_that_wait_share_one_fsync() {
    let dir = tempfile::tempdir().unwrap();
    let gate = Arc::new(Gate::default());
    let disk = Arc::clone(&gate);
    let text = config("slow", dir.path(), &[("one", "durable")]);
    let (graph, _) = run_on(&text, move |op| {
        if op.kind == OpKind::Sync && is_segment(op) {
            disk.pass();
        }
        Verdict::Pass
    })
    .await;
    let intake = intake("hand/slow");
    let first = intake.offer(marked(0));
    until("the first fsync", || gate.n_came.load(SeqCst) == 1).await;
    // The disk hangs, and offering does not.
    let others: Vec<_> = (1..50).map(|mark| intake.offer(marked(mark))).collect();
    assert_eq!(graph.logs()[0].reader.n_bytes(), 32, "nothing is visible before it is synced");
    gate.open();
    for offered in std::iter::once(first).chain(others) {
        assert_eq!(offered.await, Admission::Accepted);
    }
    assert_eq!(gate.n_came.load(SeqCst), 2);
    graph.shutdown(Duration::from_secs(20)).await.ledger.assert_balanced();
    assert_eq!(marks(dir.path(), "one"), (0..50).collect::<Vec<u8>>());
}

#[tokio::test]
async fn durable_waits_decide_for_every_pipeline_the_receiver_feeds() {
    let dir = tempfile::tempdir().unwrap();
    let ill = Arc::new(AtomicBool::new(true));
    let disk = Arc::clone(&ill);
    let text = config("strict", dir.path(), &[("a", "memory"), ("b", "durable")]);
    let (graph, metrics) = run_on(&text, move |op| match op.kind {
        OpKind::Sync if is_segment(op) && disk.load(SeqCst) => fail(),
        _ => Verdict::Pass,
    })
    .await;
    let intake = intake("hand/strict");
    assert!(matches!(offer(&intake, marked(1)).await, Admission::Unavailable { .. }));
    ill.store(false, SeqCst);
    assert_eq!(offer(&intake, marked(2)).await, Admission::Accepted);
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    for pipeline in ["a", "b"] {
        assert_eq!(marks(dir.path(), pipeline), [2], "{pipeline}");
    }
    assert!(!metrics.render().contains("perch_log_duplicate_items_total{"));
}

#[tokio::test]
async fn durable_logs_that_took_what_another_could_not_count_it() {
    let dir = tempfile::tempdir().unwrap();
    let text = config("torn", dir.path(), &[("a", "durable"), ("b", "durable")]);
    let ill = Arc::new(AtomicBool::new(true));
    let disk = Arc::clone(&ill);
    let (graph, metrics) = run_on(&text, move |op| {
        let b = op.path.to_string_lossy().contains("log/logs+b");
        if op.kind == OpKind::Write && b && disk.load(SeqCst) { fail() } else { Verdict::Pass }
    })
    .await;
    let intake = intake("hand/torn");
    assert!(matches!(offer(&intake, marked(7)).await, Admission::Unavailable { .. }));
    let row = "perch_log_duplicate_items_total{pipeline=\"logs/a\"} 1";
    assert!(metrics.render().contains(row), "{}", metrics.render());
    ill.store(false, SeqCst);
    assert_eq!(offer(&intake, marked(7)).await, Admission::Accepted);
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    assert_eq!(report.ledger.edge("logs/a", "hand/torn", "log").unwrap().delivered, 2);
    assert_eq!(report.ledger.edge("logs/b", "hand/torn", "log").unwrap().delivered, 1);
    assert_eq!((marks(dir.path(), "a"), marks(dir.path(), "b")), (vec![7, 7], vec![7]));
}

#[tokio::test]
async fn memory_replies_at_once_and_counts_what_the_log_misses() {
    let dir = tempfile::tempdir().unwrap();
    let gate = Arc::new(Gate::default());
    let disk = Arc::clone(&gate);
    let text = config("prompt", dir.path(), &[("one", "memory")]);
    let (graph, _) = run_on(&text, move |op| {
        if op.kind != OpKind::Write || !is_segment(op) {
            return Verdict::Pass;
        }
        disk.pass();
        fail()
    })
    .await;
    assert_eq!(offer(&intake("hand/prompt"), marked(1)).await, Admission::Accepted);
    until("the write", || gate.n_came.load(SeqCst) == 1).await;
    let edge = |graph: &Running| {
        let snapshot = graph.ledger().snapshot();
        snapshot.edge("logs/one", "hand/prompt", "log").cloned().unwrap()
    };
    assert_eq!((edge(&graph).entered, edge(&graph).queued), (1, 1));
    gate.open();
    until("the account", || edge(&graph).queued == 0).await;
    assert_eq!(edge(&graph).dropped.get(&Reason::Unwritten), Some(&1));
    graph.shutdown(Duration::from_secs(20)).await.ledger.assert_balanced();
}

#[tokio::test]
async fn memory_needs_no_fsync_until_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let n_syncs = Arc::new(AtomicUsize::new(0));
    let disk = Arc::clone(&n_syncs);
    let text = config("lazy", dir.path(), &[("one", "memory")]);
    let (graph, _) = run_on(&text, move |op| {
        if op.kind == OpKind::Sync && is_segment(op) {
            disk.fetch_add(1, SeqCst);
        }
        Verdict::Pass
    })
    .await;
    for mark in 0..20 {
        assert_eq!(offer(&intake("hand/lazy"), marked(mark)).await, Admission::Accepted);
    }
    let reader = graph.logs()[0].reader.clone();
    until("twenty records", || reader.n_bytes() == 32 + 20 * 132).await;
    assert_eq!(n_syncs.load(SeqCst), 0);
    graph.shutdown(Duration::from_secs(20)).await.ledger.assert_balanced();
    assert_eq!(n_syncs.load(SeqCst), 1, "sealed at the end");
    assert_eq!(marks(dir.path(), "one").len(), 20);
}

#[tokio::test]
async fn a_storage_folder_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let text = config("twice", dir.path(), &[("one", "durable")]);
    let (graph, _) = run_on(&text, |_| Verdict::Pass).await;
    let second = Graph::build(&parse(&text), &REGISTRY, host(Arc::new(DiskFs))).unwrap_err();
    assert!(second.to_string().starts_with("another collector uses "), "{second}");
    graph.shutdown(Duration::from_secs(20)).await;
    Graph::build(&parse(&text), &REGISTRY, host(Arc::new(DiskFs))).unwrap();
}
