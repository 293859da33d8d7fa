//! What is there after a restart: the rest of the records, the counts, the names.

use std::path::Path;

use super::*;

/// A log pipeline from `hand/NAME` to sinks of the names given, on disk in `dir`.
fn config(name: &str, dir: &Path, sinks: &[&str], more: &str) -> String {
    let sinks: Vec<String> = sinks.iter().map(|s| format!("sink/{s}")).collect();
    let defined: Vec<String> = sinks.iter().map(|s| format!("{s}: ")).collect();
    format!(
        "receivers: {{hand/{name}: }}\nexporters: {{{}}}\n\
         storage: {{directory: '{}', max_bytes: 64KiB}}\nservice: {{pipelines: {{logs: \
         {{receivers: [hand/{name}], exporters: [{}]{more}}}}}}}",
        defined.join(", "),
        dir.display(),
        sinks.join(", ")
    )
}

async fn offer_all(name: &str, marks: std::ops::Range<u32>) {
    for mark in marks {
        let answer = offer(&intake(&format!("hand/{name}")), numbered(mark, 100)).await;
        assert_eq!(answer, Admission::Accepted, "{mark}");
    }
}

fn counts(snapshot: &crate::ledger::Snapshot, from: &str, to: &str) -> (u64, u64, u64, u64) {
    let edge = snapshot.edge("logs", from, to).unwrap();
    (edge.entered, edge.delivered, edge.n_dropped(), edge.queued)
}

#[tokio::test]
async fn what_waits_when_it_is_killed_is_delivered_and_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let text = config("k9", dir.path(), &["k9-here", "k9-away"], "");
    feel("sink/k9-away", Mood::Away);
    let disk = Mortal::default();
    let graph = run_with(&text, disk.fs()).await;
    offer_all("k9", 0..10).await;
    until("half is delivered", || got("sink/k9-here").len() == 10).await;
    graph.checkpoint().unwrap();
    offer_all("k9", 10..20).await;
    until("all is delivered", || got("sink/k9-here").len() == 20).await;
    disk.kill(graph, dir.path()).await;

    feel("sink/k9-away", Mood::Takes);
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    offer_all("k9", 20..23).await;
    until("all is delivered", || got("sink/k9-away").len() == 23).await;
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    assert_eq!(got("sink/k9-away"), (0..23).collect::<Vec<_>>());
    let seen = got("sink/k9-here");
    assert_eq!(seen[..20], (0..20).collect::<Vec<_>>());
    assert_eq!(seen[20..], (10..23).collect::<Vec<_>>(), "again from the checkpoint on");
    for edge in [("log", "sink/k9-here"), ("log", "sink/k9-away"), ("hand/k9", "log")] {
        assert_eq!(counts(&report.ledger, edge.0, edge.1), (23, 23, 0, 0), "{edge:?}");
    }
}

#[tokio::test]
async fn what_a_shutdown_leaves_waits_for_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let text = config("left", dir.path(), &["left"], "");
    feel("sink/left", Mood::Away);
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    offer_all("left", 0..5).await;
    let report = graph.shutdown(Duration::from_millis(50)).await;
    report.ledger.assert_balanced();
    assert_eq!((report.n_dropped, &report.kept[..]), (0, &[("sink/left".to_owned(), 5)][..]));
    assert!(report.to_string().contains("dropped 0, kept for the next start 5\n"), "{report}");
    feel("sink/left", Mood::Takes);
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    until("delivery", || got("sink/left").len() == 5).await;
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    assert_eq!(counts(&report.ledger, "log", "sink/left"), (5, 5, 0, 0));
    assert_eq!(counts(&report.ledger, "hand/left", "log"), (5, 5, 0, 0));
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    let report = graph.shutdown(Duration::from_secs(20)).await;
    assert_eq!(counts(&report.ledger, "log", "sink/left"), (5, 5, 0, 0), "nothing is sent again");
    assert_eq!(got("sink/left"), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn without_its_checkpoint_an_exporter_starts_at_the_oldest_record() {
    let dir = tempfile::tempdir().unwrap();
    let text = config("lost", dir.path(), &["lost"], "");
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    offer_all("lost", 0..4).await;
    until("delivery", || got("sink/lost").len() == 4).await;
    graph.shutdown(Duration::from_secs(20)).await;
    let file = dir.path().join("consumers/logs@sink+lost.cursor");
    let sound = std::fs::read(&file).unwrap();
    let mut flipped = sound.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for (n, damage) in [flipped, sound[..sound.len() / 2].to_vec(), Vec::new()].iter().enumerate() {
        std::fs::write(&file, damage).unwrap();
        let host = host(Arc::new(DiskFs));
        let metrics = host.metrics.clone();
        let graph = Graph::build(&parse(&text), &REGISTRY, host).unwrap().start().await.unwrap();
        until("delivery", || got("sink/lost").len() == 4 * (n + 2)).await;
        assert!(file.with_extension("cursor.damaged").exists());
        assert!(metrics.render().contains("perch_checkpoint_damaged_total 1\n"));
        let report = graph.shutdown(Duration::from_secs(20)).await;
        report.ledger.assert_balanced();
        assert_eq!(counts(&report.ledger, "log", "sink/lost"), (4, 4, 0, 0));
    }
    std::fs::remove_file(&file).unwrap();
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    until("delivery", || got("sink/lost").len() == 20).await;
    graph.shutdown(Duration::from_secs(20)).await.ledger.assert_balanced();
}

#[tokio::test]
async fn a_new_exporter_starts_at_the_head_and_one_that_left_holds_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    feel("sink/old", Mood::Away);
    let graph = run_with(&config("swap", dir.path(), &["old"], ""), Arc::new(DiskFs)).await;
    offer_all("swap", 0..4).await;
    graph.shutdown(Duration::from_millis(20)).await.ledger.assert_balanced();

    let disk = Mortal::default();
    let text = config("swap", dir.path(), &["new"], "");
    feel("sink/new", Mood::Away);
    let graph = run_with(&text, disk.fs()).await;
    offer_all("swap", 4..6).await;
    disk.kill(graph, dir.path()).await;
    feel("sink/new", Mood::Takes);
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    until("delivery", || got("sink/new").len() == 2).await;
    assert_eq!(got("sink/new"), [4, 5], "nothing from before it was there, all since");
    // Three times what the log may hold: nobody waits for what the old one has not seen.
    offer_all("swap", 6..1_500).await;
    graph.shutdown(Duration::from_secs(20)).await.ledger.assert_balanced();

    feel("sink/old", Mood::Takes);
    let text = config("swap", dir.path(), &["old", "new"], "");
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    until("the rest", || got("sink/old").last() == Some(&1_499)).await;
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    let n_got = got("sink/old").len() as u64;
    let (entered, delivered, dropped, _) = counts(&report.ledger, "log", "sink/old");
    assert_eq!((entered, delivered), (1_500, n_got));
    let old = report.ledger.edge("logs", "log", "sink/old").unwrap();
    assert_eq!(old.dropped.get(&Reason::Retention), Some(&dropped), "what went is counted");
}
