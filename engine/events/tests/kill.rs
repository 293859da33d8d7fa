//! Kill the process at any instant: what was acknowledged is there, and nothing else is torn.
//!
//! The test executable runs itself as the victim, which commits from several tasks and prints each revision it was
//! acknowledged.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use durable_fs::SystemClock;
use nestr_events::{Closer, EventError, EventLog, EventType, Migration, NewEvent};
use serde_json::json;

const VICTIM: &str = "EVENT_LOG_VICTIM";
const ROUNDS: u64 = 12;

const PAIRS: Migration =
    Migration { part: "pairs", version: 1, sql: "CREATE TABLE pairs (rev INTEGER) STRICT" };

fn open(path: &Path) -> Result<(EventLog, Closer), EventError> {
    EventLog::open(path, Arc::new(SystemClock::new()), &[PAIRS])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_commit_survives_kill_9() {
    if let Some(path) = std::env::var_os(VICTIM) {
        return commit_until_killed(Path::new(&path)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.db");
    let mut last_acked = 0;
    for round in 0..ROUNDS {
        // A prime step spreads the kills over early starts and full flight.
        let acked = kill_after(&path, 1 + (round * 37) % 200);
        assert!(acked > last_acked, "round {round} acknowledged nothing");
        last_acked = acked;
        check(&path, acked).await;
    }
}

/// Runs the victim until it has printed `n_lines` and kills it; the greatest revision that reached us.
fn kill_after(path: &Path, n_lines: u64) -> u64 {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["every_acknowledged_commit_survives_kill_9", "--exact", "--nocapture"])
        .env(VICTIM, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let acked = |line: std::io::Result<String>| {
        line.ok()?.rsplit_once("acked ").and_then(|(_, rev)| rev.parse::<u64>().ok())
    };
    let mut greatest = 0;
    let mut n_seen = 0;
    while n_seen < n_lines {
        let line = lines.next().expect("the victim ended by itself");
        if let Some(rev) = acked(line) {
            greatest = greatest.max(rev);
            n_seen += 1;
        }
    }
    match open(path) {
        Err(EventError::InUse { owner, .. }) => assert_eq!(owner, Some(victim.id())),
        other => panic!("a second process got the log: {other:?}"),
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    // What the pipe still holds was acknowledged before the kill.
    lines.filter_map(acked).fold(greatest, u64::max)
}

async fn check(path: &Path, acked: u64) {
    let (log, closer) = open(path).unwrap();
    let events = log.since(0, usize::MAX).await.unwrap();
    assert!(log.last_rev() >= acked, "acknowledged {acked}, found {}", log.last_rev());
    let revs: Vec<u64> = events.iter().map(|e| e.rev).collect();
    assert_eq!(revs, (1..=log.last_rev()).collect::<Vec<_>>());
    let pairs: Vec<u64> = log
        .read(|conn| {
            let mut rows = conn.prepare("SELECT rev FROM pairs ORDER BY rev")?;
            let revs = rows.query_map([], |row| row.get::<_, i64>(0))?;
            Ok(revs.map(|rev| rev.map(i64::cast_unsigned)).collect::<Result<_, _>>()?)
        })
        .await
        .unwrap();
    assert_eq!(pairs, revs, "rows and events were torn apart");
    closer.close().await;
}

async fn commit_until_killed(path: &Path) {
    let (log, _closer) = open(&PathBuf::from(path)).unwrap();
    let writers: Vec<_> = (0..4).map(|_| tokio::spawn(commit_forever(log.clone()))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn commit_forever(log: EventLog) {
    loop {
        let rev = log
            .commit(|tx| {
                let event = NewEvent::new(EventType::PelletCompressed, "p", "victim", json!({}));
                let rev = tx.publish(event)?;
                tx.sql().execute("INSERT INTO pairs (rev) VALUES (?1)", [rev.cast_signed()])?;
                Ok(rev)
            })
            .await
            .unwrap();
        let mut out = std::io::stdout().lock();
        if writeln!(out, "acked {rev}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}
