//! Properties of the log on disk and in memory.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use collector_otlp::inflate::compress;
use collector_otlp::{Encoded, Encoding, Payload};
use durable_fs::{DiskFs, FaultyFs, Fs, ManualClock, Verdict};
use proptest::prelude::*;

use super::*;
use crate::{Batch, Signal};

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Duration::from_secs(1_000)))
}

fn small(max_bytes: u64) -> LogOptions {
    LogOptions { segment_bytes: 300, ..LogOptions::with_max_bytes(max_bytes) }
}

fn open(dir: &Path, options: LogOptions) -> Log {
    Log::open(Arc::new(DiskFs), clock(), dir, options).unwrap()
}

fn plain(payload: &[u8]) -> Batch {
    let payload = Bytes::copy_from_slice(payload);
    Batch { signal: Signal::Logs, n_items: 1, payload: payload.into() }
}

/// Everything a cursor meets from the start on, and the error that ended it if one did.
fn follow_far(reader: &LogReader) -> (Vec<Record>, Option<LogError>) {
    let mut cursor = reader.start();
    let mut records = Vec::new();
    loop {
        match reader.next(cursor) {
            Ok(Next::Record(record)) => {
                cursor = record.end();
                records.push(record);
            }
            Ok(Next::Skipped { resume, .. }) if resume > cursor => cursor = resume,
            Ok(Next::Skipped { .. } | Next::AtHead) => return (records, None),
            Err(e) => return (records, Some(e)),
        }
    }
}

fn follow(reader: &LogReader) -> Vec<Record> {
    let (records, error) = follow_far(reader);
    assert!(error.is_none(), "{error:?}");
    records
}

fn batches(records: &[Record]) -> Vec<Batch> {
    records.iter().map(|r| r.batch.clone()).collect()
}

fn any_batch() -> impl Strategy<Value = Batch> {
    let signal = prop::sample::select(Signal::ALL.to_vec());
    let encoding = prop::sample::select(vec![None, Some(Encoding::Gzip), Some(Encoding::Zstd)]);
    let payload = prop::collection::vec(any::<u8>(), 0..400);
    (signal, any::<u32>(), payload, encoding).prop_map(|(signal, n_items, payload, encoding)| {
        let carried = encoding.map(|encoding| Encoded {
            encoding,
            bytes: Bytes::from(compress(encoding, &payload).unwrap()),
        });
        let plain = Bytes::from(payload);
        let payload = match carried {
            Some(carried) => Payload::proven(carried, plain),
            None => plain.into(),
        };
        Batch { signal, n_items, payload }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_goes_in_comes_out_in_order(
        first in prop::collection::vec(any_batch(), 0..12),
        second in prop::collection::vec(any_batch(), 0..12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let memory = Log::memory(clock(), small(1 << 20));
        for half in [&first, &second] {
            // The second half is written by a new log over the same folder.
            let disk = open(dir.path(), small(1 << 20));
            for batch in half {
                for log in [&disk, &memory] {
                    let position = log.append(batch).unwrap();
                    prop_assert_eq!(&log.reader().read_at(position).unwrap().batch, batch);
                }
            }
        }
        let all: Vec<Batch> = first.iter().chain(&second).cloned().collect();
        let disk = open(dir.path(), small(1 << 20)).reader();
        for reader in [&disk, &memory.reader()] {
            prop_assert_eq!(&batches(&follow(reader)), &all);
            let scanned: Vec<Batch> = reader.segments().iter()
                .flat_map(|s| reader.scan(s.id)).map(|r| r.unwrap().batch).collect();
            prop_assert_eq!(&scanned, &all);
        }
        let positions: Vec<Position> = follow(&disk).iter().map(|r| r.position).collect();
        prop_assert!(positions.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_flipped_bit_never_shows_as_a_record(
        all in prop::collection::vec(any_batch(), 1..6),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let options = LogOptions { segment_bytes: 1 << 20, ..small(8 << 20) };
        let log = open(dir.path(), options.clone());
        let ends: Vec<u64> = all.iter().map(|b| {
            let position = log.append(b).unwrap();
            log.reader().read_at(position).unwrap().end().offset
        }).collect();
        drop(log);
        let path = DiskFs.list(dir.path()).unwrap().remove(0);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        std::fs::write(&path, bytes).unwrap();
        let log = open(dir.path(), options);
        let whole = ends.iter().take_while(|end| **end <= at as u64).count();
        let want = if at < 32 { &[] } else { &all[..whole] };
        prop_assert_eq!(&batches(&follow(&log.reader()))[..], want);
        prop_assert_eq!(log.reader().n_damaged() + log.reader().n_torn(), 1);
        let n_behind = ends.len() - whole;
        // Only a record that seems to end past the file, with nothing sound behind it, is cut off.
        prop_assert!(log.reader().n_torn() == 0 || n_behind == 1);
        let aside = path.with_extension("seg.damaged").exists();
        prop_assert_eq!(aside, log.reader().n_damaged() == 1);
        prop_assert!(log.append(&all[0]).is_ok(), "the log goes on behind the damage");
    }
}

#[test]
fn a_torn_tail_hides_nothing_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions { segment_bytes: 1 << 20, ..small(8 << 20) };
    let log = open(dir.path(), options.clone());
    let all: Vec<Batch> = (0..4_u8).map(|n| plain(&vec![n; 20 * usize::from(n)])).collect();
    let positions: Vec<Position> = all.iter().map(|b| log.append(b).unwrap()).collect();
    let ends: Vec<u64> = log.reader().scan(SegmentId(1)).map(|r| r.unwrap().end().offset).collect();
    drop(log);
    let whole = std::fs::read(dir.path().join("00000000000000000001.seg")).unwrap();
    for cut in 0..whole.len() {
        let torn = tempfile::tempdir().unwrap();
        std::fs::write(torn.path().join("00000000000000000001.seg"), &whole[..cut]).unwrap();
        let log = open(torn.path(), options.clone());
        let n = ends.iter().filter(|end| **end <= cut as u64).count();
        assert_eq!(batches(&follow(&log.reader())), all[..n], "cut at {cut}");
        let torn_tail = cut > 32 && !ends.contains(&(cut as u64));
        assert_eq!(log.reader().n_torn(), u64::from(torn_tail), "cut at {cut}");
        assert_eq!(log.reader().n_damaged(), 0, "cut at {cut}");
        let next = log.append(&all[0]).unwrap();
        assert!(next.segment > positions[0].segment || cut <= 32, "cut at {cut}: {next}");
        assert_eq!(follow(&log.reader()).len(), n + 1, "cut at {cut}");
    }
}

#[test]
fn damage_in_the_middle_is_put_aside_whole_however_often_mending_is_cut_short() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), LogOptions { segment_bytes: 1 << 20, ..small(8 << 20) });
    let all: Vec<Batch> = (0..4_u8).map(|n| plain(&[n; 50])).collect();
    let positions: Vec<Position> = all.iter().map(|b| log.append(b).unwrap()).collect();
    drop(log);
    let path = dir.path().join("00000000000000000001.seg");
    let aside = dir.path().join("00000000000000000001.seg.damaged");
    let mut bytes = std::fs::read(&path).unwrap();
    // A length past the end of the file: alone it would look like a torn write.
    let second = usize::try_from(positions[1].offset).unwrap();
    bytes[second + 1] = 0xff;
    std::fs::write(&path, &bytes).unwrap();
    for n_fault in 0.. {
        let fs = FaultyFs::new(Arc::new(DiskFs), move |op| match op.index >= n_fault {
            true => Verdict::Tear(9, io::ErrorKind::BrokenPipe.into()),
            false => Verdict::Pass,
        });
        if Log::open(Arc::new(fs), clock(), dir.path(), small(8 << 20)).is_ok() {
            break;
        }
        let kept = std::fs::read(&path).unwrap();
        let behind = std::fs::read(&aside).unwrap_or_default();
        let missing = kept.len() < bytes.len() && behind != bytes[kept.len()..];
        assert!(!missing, "bytes are gone after operation {n_fault}");
    }
    assert_eq!(std::fs::read(&aside).unwrap(), bytes[second..]);
    let log = open(dir.path(), small(8 << 20));
    assert_eq!(batches(&follow(&log.reader())), all[..1]);
    assert_eq!(log.append(&all[0]).unwrap().segment, SegmentId(2));
}

#[test]
fn a_number_used_up_by_a_failed_creation_is_stepped_over() {
    let dir = tempfile::tempdir().unwrap();
    let fs = FaultyFs::new(Arc::new(DiskFs), |op| {
        let second = op.path.ends_with("00000000000000000002.seg");
        let fails = op.kind == durable_fs::OpKind::Create && second;
        if fails { Verdict::Fail(io::ErrorKind::StorageFull.into()) } else { Verdict::Pass }
    });
    let log = Log::open(Arc::new(fs), clock(), dir.path(), small(1 << 20)).unwrap();
    let reader = log.reader();
    let [a, b, c] = [b'a', b'b', b'c'].map(|n| plain(&[n; 200]));
    log.append(&a).unwrap();
    assert!(log.append(&b).is_err());
    let third = log.append(&c).unwrap();
    assert_eq!(third.segment, SegmentId(3));
    let in_the_hole = Position::start_of(SegmentId(2));
    let Next::Record(record) = reader.next(in_the_hole).unwrap() else { panic!("no record") };
    assert_eq!((record.position, record.batch), (third, c));
}

#[test]
fn a_folder_belongs_to_one() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("new/storage");
    let held = StorageLock::take(&DiskFs, &folder).unwrap();
    let refused = StorageLock::take(&DiskFs, &folder).unwrap_err();
    assert!(matches!(&refused, LogError::InUse(path) if *path == folder), "{refused}");
    drop(held);
    StorageLock::take(&DiskFs, &folder).unwrap();
}

#[test]
fn whichever_operation_fails_what_was_taken_stays() {
    let (tear, fail) = (true, false);
    for mode in [tear, fail] {
        for n_fault in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let faulty = FaultyFs::new(Arc::new(DiskFs), move |op| {
                let error = || io::Error::from(io::ErrorKind::StorageFull);
                match (op.index == n_fault, mode) {
                    (false, _) => Verdict::Pass,
                    (true, true) => Verdict::Tear(7, error()),
                    (true, false) => Verdict::Fail(error()),
                }
            });
            let fs: Arc<dyn Fs> = Arc::new(faulty.clone());
            let Ok(log) = Log::open(fs, clock(), dir.path(), small(1 << 20)) else { continue };
            let taken: Vec<Batch> = (0..9_u8)
                .map(|n| plain(&[n; 100]))
                .filter(|batch| log.append(batch).is_ok())
                .collect();
            assert!(taken.len() >= 8, "one fault costs one batch at most");
            let met = batches(&follow_far(&log.reader()).0);
            // The fault may also hit the reading; then what was read is still a true beginning.
            assert!(taken.starts_with(&met), "operation {n_fault}");
            let n_ops = faulty.n_ops();
            drop(log);
            let reopened = open(dir.path(), small(1 << 20));
            assert_eq!(batches(&follow(&reopened.reader())), taken, "operation {n_fault}");
            if n_ops <= n_fault {
                assert!(n_fault > 20, "the enumeration ran through too soon");
                break;
            }
        }
    }
}

#[test]
fn the_oldest_segments_go_when_there_is_no_room() {
    let dir = tempfile::tempdir().unwrap();
    for log in [open(dir.path(), small(2_000)), Log::memory(clock(), small(2_000))] {
        let reader = log.reader();
        let first = log.append(&plain(&[0; 100])).unwrap();
        for n in 1..100_u8 {
            log.append(&plain(&[n; 100])).unwrap();
            assert!(reader.n_bytes() <= 2_000);
        }
        let kept = follow(&reader);
        assert_eq!(kept.last().unwrap().batch.payload[0], 99);
        assert!(kept.len() >= 8, "{} kept of a log that holds a dozen", kept.len());
        assert!(matches!(reader.read_at(first), Err(LogError::Gone(_))));
        let skipped = Next::Skipped { resume: kept[0].position, damaged: false };
        assert_eq!(reader.next(first).unwrap(), skipped);
        assert!(matches!(log.append(&plain(&[0; 3_000])), Err(LogError::TooLarge { .. })));
    }
    let on_disk: u64 =
        DiskFs.list(dir.path()).unwrap().iter().map(|p| p.metadata().unwrap().len()).sum();
    assert!(on_disk <= 2_000, "{on_disk} bytes on disk");
}

#[test]
fn segments_go_when_they_are_too_old() {
    let clock = clock();
    let options = LogOptions { max_age: Some(Duration::from_secs(60)), ..small(1 << 20) };
    let log = Log::memory(clock.clone(), options);
    for n in 0..20_u8 {
        log.append(&plain(&[n; 250])).unwrap();
        clock.advance(Duration::from_secs(10));
    }
    let oldest = follow(&log.reader())[0].received_at;
    let age = Duration::from_secs(1_000 + 190).as_nanos() - u128::from(oldest);
    assert!(age <= Duration::from_secs(80).as_nanos(), "{age} ns");
}

#[tokio::test]
async fn whoever_waits_is_woken() {
    let log = Log::memory(clock(), small(1 << 20));
    let mut watch = log.reader().watch();
    let cursor = *watch.borrow_and_update();
    assert_eq!(log.reader().next(cursor).unwrap(), Next::AtHead);
    let position = log.append(&plain(b"a")).unwrap();
    watch.changed().await.unwrap();
    assert_eq!(position, cursor);
    assert!(matches!(log.reader().next(cursor).unwrap(), Next::Record(_)));
}

#[test]
fn a_place_is_told_before_anyone_can_read_it() {
    let log = Log::memory(clock(), small(1 << 20));
    let reader = log.reader();
    let mut told = Vec::new();
    for n in 0..20 {
        let batch = plain(&[n; 100]);
        let placed = |at| told.push((at, reader.next(at).unwrap()));
        let position = log.append_from(Origin::default(), &batch, placed).unwrap();
        assert_eq!(told.last(), Some(&(position, Next::AtHead)), "record {n}");
    }
    for sync in [Sync::Each, Sync::OnSeal] {
        let dir = tempfile::tempdir().unwrap();
        let committer = Committer::start(open(dir.path(), small(1 << 20)), sync, None).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        for n in 0..20 {
            let batch = plain(&[n; 100]);
            let (reader, tell_placed, tell) = (committer.reader(), tell.clone(), tell.clone());
            let placed: Placed = Box::new(move |at| {
                assert_eq!(reader.next(at).unwrap(), Next::AtHead);
                tell_placed.send(("placed", at)).unwrap();
            });
            let done = move |written: Result<_, _>| tell.send(("done", written.unwrap())).unwrap();
            let room = committer.reserve(&batch).unwrap();
            room.submit(Origin::default(), batch, Some(placed), done);
        }
        committer.close();
        drop(tell);
        let (placed, done): (Vec<_>, Vec<_>) = told.iter().partition(|(what, _)| *what == "placed");
        let lies: Vec<_> = follow(&committer.reader()).iter().map(|r| r.position).collect();
        for all in [placed, done] {
            assert_eq!(all.iter().map(|(_, at)| *at).collect::<Vec<_>>(), lies, "{sync:?}");
        }
    }
}
