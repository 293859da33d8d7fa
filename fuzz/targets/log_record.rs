//! A segment's file with anything behind its header: reading ends at the damage, and what is read is what the
//! checksum covers.
//!
//! The input is a row of records. Most get a header and a checksum that are right, for random bytes would never
//! get past those; the rest stand in the file as they are.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use collector_pipeline::log::{Log, LogOptions};
use durable_fs::{DiskFs, ManualClock};
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let shared = PathBuf::from("/dev/shm");
    let base = if shared.is_dir() { shared } else { std::env::temp_dir() };
    base.join(format!("perch-fuzz-log-{}", std::process::id()))
});

fuzz_target!(|input: &[u8]| {
    let dir = &*FOLDER;
    let _ = fs::remove_dir_all(dir);
    fs::create_dir_all(dir).expect("a folder in memory");
    fs::write(dir.join(format!("{:020}.seg", 1)), segment(input)).expect("a file in memory");
    let clock = Arc::new(ManualClock::at(std::time::Duration::from_secs(1)));
    let options = LogOptions::with_max_bytes(1 << 20);
    if let Ok(log) = Log::open(Arc::new(DiskFs), clock, dir, options) {
        let reader = log.reader();
        for segment in reader.segments() {
            let records = reader.scan(segment.id).take_while(Result::is_ok).flatten();
            for record in records {
                assert_eq!(reader.read_at(record.position).ok(), Some(record));
            }
        }
    }
    let _ = fs::remove_dir_all(dir);
});

fn segment(mut input: &[u8]) -> Vec<u8> {
    let mut file = b"PERCHLOG".to_vec();
    file.extend_from_slice(&1_u32.to_le_bytes());
    file.extend_from_slice(&1_u64.to_le_bytes());
    file.extend_from_slice(&7_u64.to_le_bytes());
    file.extend_from_slice(&crc32fast::hash(&file).to_le_bytes());
    while let Some((&[kind, len], rest)) = input.split_first_chunk::<2>() {
        let (bytes, rest) = rest.split_at(usize::from(len).min(rest.len()));
        input = rest;
        match kind {
            250.. => file.extend_from_slice(bytes),
            _ => record(&mut file, kind, bytes),
        }
    }
    file
}

fn record(file: &mut Vec<u8>, kind: u8, stored: &[u8]) {
    let n = stored.len() as u32;
    let mut header = [0; 32];
    header[0..4].copy_from_slice(&n.to_le_bytes());
    header[8] = 1 + kind % 3;
    header[9] = kind / 3 % 3;
    header[12..16].copy_from_slice(&u32::from(kind).to_le_bytes());
    let decoded = if header[9] == 0 { n } else { u32::from(kind) * 4 };
    header[24..28].copy_from_slice(&decoded.to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&header[0..4]);
    crc.update(&header[8..]);
    crc.update(stored);
    header[4..8].copy_from_slice(&crc.finalize().to_le_bytes());
    file.extend_from_slice(&header);
    file.extend_from_slice(stored);
}
