//! Exporters that are away, and those that are not.

use super::*;

/// Three exporters on disk; `more` is put into the pipeline.
fn config(dir: &std::path::Path, name: &str, storage: &str, more: &str) -> String {
    let sinks = ["a", "b", "c"].map(|s| format!("sink/{name}-{s}"));
    let storage = match storage {
        "" => String::new(),
        bytes => format!("storage: {{directory: '{}', max_bytes: {bytes}}}\n", dir.display()),
    };
    format!(
        "receivers: {{hand/{name}: }}\nexporters: {{{}: , {}: , {}: }}\n{storage}\
         service: {{pipelines: {{logs: {{receivers: [hand/{name}], exporters: [{}]{more}}}}}}}",
        sinks[0],
        sinks[1],
        sinks[2],
        sinks.join(", ")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn each_exporter_may_be_away_for_longer_than_memory_holds() {
    let dir = quick_dir();
    let text = config(dir.path(), "out", "128MiB", ", ack: memory");
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    let sinks = ["a", "b", "c"].map(|s| format!("sink/out-{s}"));
    let mut sent = 0;
    for away in &sinks {
        feel(away, Mood::Away);
        // The tail in memory is 64 MiB at most, an eighth of the least machine's; this is 24 MiB of
        // records each behind a tail that others have passed.
        for _ in 0..96 {
            let offered = offer(&intake("hand/out"), numbered(sent, 256 << 10)).await;
            assert_eq!(offered, Admission::Accepted, "batch {sent}");
            sent += 1;
        }
        let others = sinks.iter().filter(|s| *s != away);
        for other in others {
            until("the others", || n_got(other) == sent).await;
        }
        assert!(n_got(away) < sent);
        feel(away, Mood::Takes);
        until("the one that was away", || n_got(away) == sent).await;
    }
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    for sink in &sinks {
        assert_eq!(got(sink), (0..sent).collect::<Vec<_>>(), "{sink}");
        let edge = report.ledger.edge("logs", "log", sink).unwrap();
        assert_eq!((edge.delivered, edge.n_dropped()), (u64::from(sent), 0));
    }
}

#[tokio::test]
async fn a_full_secondary_loses_its_own_oldest_and_nobody_else_feels_it() {
    for storage in ["96KiB", ""] {
        let name = if storage.is_empty() { "ring" } else { "disk" };
        let dir = quick_dir();
        let sinks = ["a", "b", "c"].map(|s| format!("sink/{name}-{s}"));
        let more = format!(", primary: [{}, {}]", sinks[0], sinks[1]);
        let mut config = parse(&config(dir.path(), name, storage, &more));
        for exporter in &mut config.exporters {
            exporter.queue.max_bytes = Some(20_000);
        }
        feel(&sinks[2], Mood::Away);
        let host = host(Arc::new(DiskFs));
        let graph = Graph::build(&config, &REGISTRY, host).unwrap().start().await.unwrap();
        let hand = intake(&format!("hand/{name}"));
        for mark in 0..300 {
            let answer = offer(&hand, numbered(mark, 1_000)).await;
            assert_eq!(answer, Admission::Accepted, "{mark}");
            until("the primaries", || n_got(&sinks[0]) == mark + 1).await;
            until("the primaries", || n_got(&sinks[1]) == mark + 1).await;
        }
        feel(&sinks[2], Mood::Takes);
        until("the last", || got(&sinks[2]).last() == Some(&299)).await;
        let report = graph.shutdown(Duration::from_secs(20)).await;
        report.ledger.assert_balanced();
        let kept = got(&sinks[2]);
        assert!(kept.is_sorted() && kept.len() >= 3 && kept.len() <= 25, "{kept:?}");
        let edge = report.ledger.edge("logs", "log", &sinks[2]).unwrap();
        let n_lost = 300 - kept.len() as u64;
        assert_eq!(edge.dropped.get(&Reason::Retention), Some(&n_lost), "{edge:?}");
    }
}

#[tokio::test]
async fn a_full_primary_refuses_and_what_it_holds_stays() {
    let dir = quick_dir();
    let text = config(dir.path(), "full", "96KiB", "");
    let sinks = ["a", "b", "c"].map(|s| format!("sink/full-{s}"));
    feel(&sinks[1], Mood::Away);
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    let hand = intake("hand/full");
    let mut n_taken = 0;
    loop {
        match offer(&hand, numbered(n_taken, 1_000)).await {
            Admission::Accepted => n_taken += 1,
            Admission::Full { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    assert!((20..32).contains(&n_taken), "a third of 96 KiB holds about 28, not {n_taken}");
    until("the others", || got(&sinks[0]).len() == n_taken as usize).await;
    feel(&sinks[1], Mood::Takes);
    until("the rest", || got(&sinks[1]).len() == n_taken as usize).await;
    assert_eq!(offer(&hand, numbered(n_taken, 1_000)).await, Admission::Accepted);
    graph.shutdown(Duration::from_secs(20)).await.ledger.assert_balanced();
    assert_eq!(got(&sinks[1]), (0..=n_taken).collect::<Vec<_>>());
}
