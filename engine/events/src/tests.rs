//! The log's guarantees, one test each; the crash test stands in `tests/kill.rs`.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use durable_fs::ManualClock;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    Closer, Event, EventError, EventLog, EventType, Migration, NewEvent, Options, Result, Tx,
};

const NOTES: Migration = Migration {
    part: "notes",
    version: 1,
    sql: "CREATE TABLE notes (n INTEGER PRIMARY KEY, text TEXT,
          parent INTEGER REFERENCES notes (n) DEFERRABLE INITIALLY DEFERRED) STRICT",
};

struct Bench {
    dir: TempDir,
    log: EventLog,
    closer: Closer,
}

impl Bench {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (log, closer) = open(dir.path(), options).unwrap();
        Self { dir, log, closer }
    }

    async fn reopened(self) -> Self {
        self.closer.close().await;
        drop(self.log);
        let (log, closer) = open(self.dir.path(), Options::default()).unwrap();
        Self { dir: self.dir, log, closer }
    }

    async fn all(&self) -> Vec<Event> {
        self.log.since(0, usize::MAX).await.unwrap()
    }
}

fn open(dir: &Path, options: Options) -> Result<(EventLog, Closer)> {
    let clock = Arc::new(ManualClock::at(Duration::new(1_700_000_000, 5)));
    EventLog::open_with(&dir.join("events.db"), clock, &[NOTES], options)
}

fn compressed(subject: &str) -> NewEvent {
    NewEvent::new(EventType::PelletCompressed, subject, "tester", json!({"n": 1}))
}

fn note(tx: &Tx<'_>, n: u32, text: &str) -> Result<()> {
    tx.sql().execute("INSERT INTO notes (n, text) VALUES (?1, ?2)", (n, text))?;
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    Well,
    Refusing,
    Panicking,
}

fn endings() -> impl Strategy<Value = Vec<(u8, Ending)>> {
    let ending = prop_oneof![4 => Just(Ending::Well), 2 => Just(Ending::Refusing), 1 => Just(Ending::Panicking)];
    proptest::collection::vec((0_u8..4, ending), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Invariants 1 and 3, under concurrent commits and failing closures.
    #[test]
    fn revisions_are_gap_free_and_rows_come_with_their_events(plan in endings()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            let tasks: Vec<_> = plan
                .iter()
                .copied()
                .zip(0_u32..)
                .map(|(step, n)| tokio::spawn(act(bench.log.clone(), n, step)))
                .collect();
            let mut expected = Vec::new();
            for (task, n) in tasks.into_iter().zip(0_u32..) {
                if let Some(revs) = task.await.unwrap() {
                    prop_assert!(revs.windows(2).all(|w| w[1] == w[0] + 1), "{revs:?} is torn");
                    expected.extend(revs.into_iter().map(|rev| (rev, n)));
                }
            }
            expected.sort_unstable();
            let bench = bench.reopened().await;
            let found: Vec<(u64, u32)> = bench
                .all()
                .await
                .iter()
                .map(|e| (e.rev, e.subject.parse().unwrap()))
                .collect();
            prop_assert_eq!(&found, &expected);
            let revs: Vec<u64> = found.iter().map(|f| f.0).collect();
            prop_assert_eq!(revs, (1..=found.len() as u64).collect::<Vec<_>>());
            prop_assert_eq!(bench.log.last_rev(), found.len() as u64);

            let notes: Vec<u32> = bench.log.read(|conn| {
                let mut rows = conn.prepare("SELECT n FROM notes ORDER BY n")?;
                Ok(rows.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
            }).await.unwrap();
            let well: Vec<u32> = plan.iter().zip(0..).filter(|(p, _)| p.1 == Ending::Well).map(|(_, n)| n).collect();
            prop_assert_eq!(notes, well);
            Ok(())
        })?;
    }
}

async fn act(log: EventLog, n: u32, (n_events, ending): (u8, Ending)) -> Option<Vec<u64>> {
    let done = log
        .commit(move |tx| {
            note(tx, n, "kept")?;
            let revs = (0..n_events).map(|_| tx.publish(compressed(&n.to_string()))).collect();
            match ending {
                Ending::Well => revs,
                Ending::Refusing => Err(EventError::refuse(std::fmt::Error)),
                // A panic as the writer sees it, without a page of stack trace in the test's output.
                Ending::Panicking => std::panic::resume_unwind(Box::new("as planned")),
            }
        })
        .await;
    match (ending, done) {
        (Ending::Well, Ok(revs)) => Some(revs),
        (Ending::Refusing, Err(e)) if e.refusal::<std::fmt::Error>().is_some() => None,
        (Ending::Panicking, Err(EventError::Panicked)) => None,
        (ending, done) => panic!("{ending:?} ended as {done:?}"),
    }
}

/// Holds the writer within a closure until the returned sender is dropped.
fn hold(log: &EventLog) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<()>>) {
    let (release, released) = mpsc::channel::<()>();
    let (entered, has_entered) = mpsc::channel();
    let log = log.clone();
    let held = tokio::spawn(async move {
        log.commit(move |_| {
            entered.send(()).unwrap();
            let _ = released.recv();
            Ok(())
        })
        .await
    });
    tokio::task::block_in_place(|| has_entered.recv().unwrap());
    (release, held)
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_wait_together_share_one_transaction() {
    let bench = Bench::new();
    let (release, held) = hold(&bench.log);
    let waiting: Vec<_> = (0..100)
        .map(|n: u32| {
            let log = bench.log.clone();
            tokio::spawn(async move {
                log.commit(move |tx| tx.publish(compressed(&n.to_string()))).await
            })
        })
        .collect();
    until("all wait", || bench.log.n_waiting() == 100).await;
    drop(release);
    held.await.unwrap().unwrap();
    for commit in waiting {
        commit.await.unwrap().unwrap();
    }
    assert_eq!((bench.log.last_rev(), bench.log.n_groups()), (100, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_fails_its_whole_group_and_leaves_nothing() {
    let bench = Bench::new();
    bench.log.commit(|tx| tx.publish(compressed("first"))).await.unwrap();
    let (release, held) = hold(&bench.log);
    let log = bench.log.clone();
    let innocent = tokio::spawn(async move {
        log.commit(|tx| note(tx, 1, "innocent").and_then(|()| tx.publish(compressed("lost")))).await
    });
    until("the innocent waits", || bench.log.n_waiting() == 1).await;
    let log = bench.log.clone();
    // SQLite checks the reference at COMMIT, which is where a failed fsync shows as well.
    let guilty = tokio::spawn(async move {
        log.commit(|tx| Ok(tx.sql().execute("INSERT INTO notes (n, parent) VALUES (2, 77)", [])?))
            .await
    });
    until("both wait", || bench.log.n_waiting() == 2).await;
    drop(release);
    held.await.unwrap().unwrap();
    assert!(matches!(innocent.await.unwrap(), Err(EventError::Storage(_))));
    assert!(matches!(guilty.await.unwrap(), Err(EventError::Storage(_))));

    assert_eq!(bench.log.commit(|tx| tx.publish(compressed("second"))).await.unwrap(), 2);
    let bench = bench.reopened().await;
    let subjects: Vec<String> = bench.all().await.into_iter().map(|e| e.subject).collect();
    assert_eq!(subjects, ["first", "second"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_leaves_the_log_usable() {
    let bench = Bench::with(Options { max_pages: Some(64) });
    let text = "x".repeat(2000);
    let mut n_kept = 0;
    let full = loop {
        let text = text.clone();
        let done = bench
            .log
            .commit(move |tx| {
                note(tx, n_kept, &text)?;
                tx.publish(compressed("filling"))
            })
            .await;
        match done {
            Ok(_) => n_kept += 1,
            Err(error) => break error,
        }
        assert!(n_kept < 1000, "the limit does not hold");
    };
    assert!(matches!(full, EventError::Full), "{full}");
    assert_eq!(full.code(), "no-space");
    assert_eq!(bench.all().await.len(), n_kept as usize);

    bench.log.commit(|tx| Ok(tx.sql().execute("DELETE FROM notes", [])?)).await.unwrap();
    let rev = bench.log.commit(|tx| tx.publish(compressed("room again"))).await.unwrap();
    assert_eq!(rev, u64::from(n_kept) + 1);
    let bench = bench.reopened().await;
    assert_eq!(bench.log.last_rev(), rev);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_sees_each_event_once_across_the_seam_of_old_and_new() {
    let bench = Bench::new();
    for _ in 0..10 {
        bench.log.commit(|tx| tx.publish(compressed("old"))).await.unwrap();
    }
    let mut subscription = bench.log.subscribe(3).unwrap();
    let log = bench.log.clone();
    let writer = tokio::spawn(async move {
        for _ in 0..200 {
            log.commit(|tx| tx.publish(compressed("new"))).await.unwrap();
        }
    });
    let mut seen = Vec::new();
    while seen.len() < 207 {
        let next = tokio::time::timeout(Duration::from_secs(20), subscription.next(7)).await;
        seen.extend(next.unwrap().unwrap().into_iter().map(|e| e.rev));
    }
    writer.await.unwrap();
    assert_eq!(seen, (4..=210).collect::<Vec<_>>());

    bench.closer.close().await;
    assert!(matches!(subscription.next(7).await, Err(EventError::Closed)));
    assert!(matches!(bench.log.commit(|_| Ok(())).await, Err(EventError::Closed)));
}

#[tokio::test]
async fn a_cursor_of_another_log_is_refused() {
    let bench = Bench::new();
    let error = bench.log.subscribe(5).unwrap_err();
    assert_eq!(
        error.to_string(),
        "revision 5 is ahead of the log, which ends at 0; start again from 0"
    );
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_the_log() {
    let bench = Bench::new();
    match open(bench.dir.path(), Options::default()) {
        Err(EventError::InUse { owner, .. }) => assert_eq!(owner, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
    bench.reopened().await;
}

#[tokio::test]
async fn schemas_from_the_future_and_edited_migrations_are_refused() {
    let bench = Bench::new();
    bench.closer.close().await;
    let reopen = |steps: &[Migration]| {
        let clock = Arc::new(ManualClock::default());
        EventLog::open(&bench.dir.path().join("events.db"), clock, steps).map(|_| ())
    };
    let edited = Migration { sql: "CREATE TABLE notes (n TEXT)", ..NOTES };
    let error = reopen(&[edited]).unwrap_err().to_string();
    assert_eq!(error, "migration 1 of `notes` was changed after it had been applied");
    let gap = Migration { version: 3, sql: "", ..NOTES };
    let error = reopen(&[NOTES, gap]).unwrap_err().to_string();
    assert_eq!(error, "migration 3 of `notes` does not follow its predecessor");
}

#[tokio::test]
async fn an_event_reads_back_whole_in_both_forms() {
    let bench = Bench::new();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    let event = compressed("pellets/abc").in_trace(Some(parent.clone()));
    bench.log.commit(move |tx| tx.publish(event)).await.unwrap();
    let event = bench.all().await.remove(0);
    let id = format!("{}-1", bench.log.log_id());
    assert_eq!(
        serde_json::to_value(&event).unwrap(),
        json!({
            "rev": 1, "id": id, "type": EventType::PelletCompressed.short(),
            "time": "2023-11-14T22:13:20.000000005Z", "subject": "pellets/abc", "actor": "tester",
            "traceparent": parent, "data": {"n": 1},
        })
    );
    assert_eq!(
        event.to_cloud_event(),
        json!({
            "specversion": "1.0", "id": id, "source": format!("/nestr/logs/{}", bench.log.log_id()),
            "type": "dev.nestr.pellet.compressed.v1", "subject": "pellets/abc",
            "time": "2023-11-14T22:13:20.000000005Z", "datacontenttype": "application/json",
            "rev": "1", "actor": "tester", "traceparent": parent, "data": {"n": 1},
        })
    );
    let back: Event = serde_json::from_value(serde_json::to_value(&event).unwrap()).unwrap();
    assert_eq!(back, event);
}

#[tokio::test]
async fn progress_is_not_stored() {
    let bench = Bench::new();
    let event = NewEvent::new(EventType::Progress, "operations/1", "tester", json!({}));
    let refused = bench.log.commit(|tx| tx.publish(event)).await;
    assert!(matches!(refused, Err(EventError::NotStored(EventType::Progress))));
}

#[tokio::test]
async fn commits_are_synced_and_files_are_private() {
    use std::os::unix::fs::PermissionsExt;

    let bench = Bench::new();
    let pragmas = bench.log.commit(|tx| {
        tx.publish(compressed("one"))?;
        let journal: String = tx.sql().query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        let sync: u8 = tx.sql().query_row("PRAGMA synchronous", [], |row| row.get(0))?;
        Ok((journal, sync))
    });
    assert_eq!(pragmas.await.unwrap(), ("wal".to_owned(), 2));
    for name in ["events.db", "events.db-wal", "events.db-shm", "events.db.lock"] {
        let mode = bench.dir.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn readers_cannot_write() {
    let bench = Bench::new();
    let written = bench.log.read(|conn| Ok(conn.execute("DELETE FROM events", [])?)).await;
    assert!(matches!(written, Err(EventError::Storage(_))), "{written:?}");
}
