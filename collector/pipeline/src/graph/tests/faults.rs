//! Every operation on the disk fails in turn, under a whole graph; afterwards everything that was
//! acknowledged is delivered and the accounts balance.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use durable_fs::Op;

use super::*;

/// What goes wrong at the operation whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Error,
    Torn,
    Short,
    /// The process ends there.
    Death,
}

fn verdict(fault: Fault, n_fault: u64, op: &Op) -> Verdict {
    let full = || io::Error::from(io::ErrorKind::StorageFull);
    match fault {
        Fault::Error if op.index == n_fault => Verdict::Fail(full()),
        Fault::Torn if op.index == n_fault => Verdict::Tear(11, full()),
        Fault::Short if op.index == n_fault => Verdict::Short(11),
        Fault::Death if op.index == n_fault => Verdict::Tear(11, full()),
        Fault::Death if op.index > n_fault => Verdict::Fail(full()),
        _ => Verdict::Pass,
    }
}

fn config(dir: &Path, name: &str) -> String {
    format!(
        "receivers: {{hand/{name}: }}\nexporters: {{sink/{name}: }}\n\
         storage: {{directory: '{}', max_bytes: 6KiB}}\nservice: {{pipelines: {{logs: \
         {{receivers: [hand/{name}], exporters: [sink/{name}]}}}}}}",
        dir.display()
    )
}

/// One life with a fault and one without; gives whether the fault came to pass.
async fn two_lives(fault: Fault, n_fault: u64) -> bool {
    let dir = quick_dir();
    let name = format!("{fault:?}-{n_fault}").to_lowercase();
    let text = config(dir.path(), &name);
    let n_ops = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&n_ops);
    let fs = FaultyFs::new(Arc::new(DiskFs), move |op| {
        counted.fetch_max(op.index, SeqCst);
        verdict(fault, n_fault, op)
    });
    let mut acked = BTreeSet::new();
    if let Ok(graph) = Graph::build(&parse(&text), &REGISTRY, host(Arc::new(fs))) {
        let graph = graph.start().await.unwrap();
        for mark in 0..18 {
            if offer(&intake(&format!("hand/{name}")), numbered(mark, 400)).await
                == Admission::Accepted
            {
                acked.insert(mark);
            }
            if mark % 8 == 5 {
                let _ = graph.checkpoint();
            }
        }
        if mark_is_even(n_fault) || fault == Fault::Death {
            drop(graph);
        } else {
            graph.shutdown(Duration::from_secs(20)).await.ledger.assert_balanced();
        }
    }
    let storage = dir.path().to_owned();
    until("the lock is free", || crate::log::StorageLock::take(&DiskFs, &storage).is_ok()).await;
    let seen_before = got(&format!("sink/{name}")).len();
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    let edge = report.ledger.edge("logs", "log", &format!("sink/{name}")).unwrap();
    assert_eq!((edge.queued, edge.n_dropped()), (0, 0), "{name}");
    let seen = got(&format!("sink/{name}"));
    let unique: BTreeSet<u32> = seen.iter().copied().collect();
    assert!(acked.is_subset(&unique), "{name}: {acked:?} acknowledged, {seen:?} delivered");
    assert!(seen[seen_before..].is_sorted(), "{name}: {seen:?}");
    // What is counted is what is there: each record once, whatever was sent twice.
    let n_duplicates = seen.len() - unique.len();
    assert!(edge.delivered <= seen.len() as u64, "{name}");
    assert!(edge.delivered + n_duplicates as u64 >= seen.len() as u64, "{name}: {edge:?}");
    n_ops.load(SeqCst) >= n_fault
}

fn mark_is_even(n: u64) -> bool {
    n.is_multiple_of(2)
}

async fn enumerate(fault: Fault) {
    let mut n_fault = 0;
    while two_lives(fault, n_fault).await {
        n_fault += 1;
    }
    assert!(n_fault > 60, "the enumeration ran through too soon: {n_fault}");
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_whichever_operation_fails() {
    enumerate(Fault::Error).await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_whichever_write_is_torn() {
    enumerate(Fault::Torn).await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_whichever_write_is_short() {
    enumerate(Fault::Short).await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_wherever_the_process_ends() {
    enumerate(Fault::Death).await;
}
