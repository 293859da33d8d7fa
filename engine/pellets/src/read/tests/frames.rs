//! Frames that are what their seek table says, and frames that are not.

use std::fs;
use std::io::Read;

use durable_fs::DiskFs;
use proptest::prelude::*;

use crate::archive::{SeekTable, SeekTableFrame};
use crate::read::{Archive, FrameDecoder, Limits, ReadError};

/// Content of `n_words` words, some of which come again far away.
fn content(seed: u64, n_words: usize) -> Vec<u8> {
    let mut dice = seed | 1;
    let mut next = move || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice
    };
    let words: Vec<_> =
        (0..300).map(|_| (0..4).flat_map(|_| next().to_le_bytes()).collect()).collect();
    let pick = |n: u64| words.get(usize::try_from(n % 400).unwrap_or(0)).cloned();
    (0..n_words)
        .flat_map(|_| pick(next()).unwrap_or_else(|| next().to_be_bytes().to_vec()))
        .collect()
}

/// An archive of `frames`: what stands there, and how long its content is said to be.
fn archive(frames: &[(&[u8], usize)]) -> (tempfile::TempDir, Archive) {
    let len = |n: usize| u32::try_from(n).unwrap();
    let frame = |(bytes, content): &(&[u8], usize)| SeekTableFrame {
        compressed: len(bytes.len()),
        content: len(*content),
    };
    let table = SeekTable { frames: frames.iter().map(frame).collect() };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pellet");
    let bytes: Vec<_> =
        frames.iter().flat_map(|(bytes, _)| *bytes).copied().chain(table.encode()).collect();
    fs::write(&path, bytes).unwrap();
    (dir, Archive::open(&DiskFs, &path, &Limits::default()).unwrap())
}

fn compressed(content: &[u8], level: i32, window_log: u32) -> Vec<u8> {
    let mut compressor = zstd::bulk::Compressor::new(level).unwrap();
    compressor.set_parameter(zstd::zstd_safe::CParameter::WindowLog(window_log)).unwrap();
    compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true)).unwrap();
    compressor.compress(content).unwrap()
}

/// What comes of reading all of the only frame.
fn whole(bytes: &[u8], len: usize) -> Result<Vec<u8>, ReadError> {
    let (_dir, archive) = archive(&[(bytes, len)]);
    let mut decoder = FrameDecoder::new(&archive)?;
    decoder.whole(&archive, 0)?;
    Ok(decoder.decoded().to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_frame_is_read_in_steps_of_any_length(
        (seed, n_words) in (any::<u64>(), 0..60_000usize),
        (level, window_log) in (1..8i32, 10..24u32),
        steps in prop::collection::vec((any::<bool>(), 0..400_000usize), 1..12),
    ) {
        let content = content(seed, n_words);
        let bytes = compressed(&content, level, window_log);
        let (_dir, archive) = archive(&[(&compressed(&content[..content.len() / 2], 1, 18), content.len() / 2), (&bytes, content.len())]);
        let mut decoder = FrameDecoder::new(&archive).unwrap();
        // What an earlier, shorter frame left behind is not seen.
        decoder.whole(&archive, 0).unwrap();
        prop_assert_eq!(decoder.decoded(), &content[..content.len() / 2]);
        decoder.begin(&archive, 1).unwrap();
        let mut at = 0;
        for (skipped, n) in steps {
            let n = n.min(content.len() - at);
            if skipped {
                decoder.skip(n as u64).unwrap();
            } else {
                prop_assert!(decoder.next_bytes(n).unwrap() == &content[at..at + n]);
            }
            at += n;
            prop_assert!(decoder.decoded().len() < at + (128 << 10) + 1);
        }
        let mut rest = Vec::new();
        decoder.read_to_end(&mut rest).unwrap();
        prop_assert!(rest == content[at..]);
        decoder.finish().unwrap();
    }

    #[test]
    fn a_frame_that_is_not_what_is_said_is_refused(
        (seed, n_words) in (any::<u64>(), 1..9_000usize),
        (less, more) in (1..600usize, 1..600usize),
    ) {
        let content = content(seed, n_words);
        let (bytes, len) = (compressed(&content, 3, 20), content.len());
        prop_assert!(whole(&bytes, len).unwrap() == content);
        let cut = &bytes[..bytes.len() - less.min(bytes.len())];
        let longer = [&bytes[..], &vec![0; more]].concat();
        let twice = [&bytes[..], &bytes].concat();
        let followed = [&bytes[..], &SeekTable::default().encode()].concat();
        let cases = [
            (cut, len),
            (&bytes, len - less.min(len)),
            (&bytes, len + more),
            (&longer, len),
            (&twice, len),
            (&twice, 2 * len),
            (&followed, len),
        ];
        for (n, (bytes, len)) in cases.into_iter().enumerate() {
            let error = whole(bytes, len).expect_err(&n.to_string());
            prop_assert_eq!((n, error.code(), error.frame()), (n, "frame-damaged", Some(0)));
        }
    }
}

#[test]
fn a_checksum_is_compared_where_that_is_asked_for() {
    let content = content(7, 1_000);
    let mut bytes = compressed(&content, 3, 20);
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(whole(&bytes, content.len()).unwrap_err().code(), "frame-damaged");
    let (_dir, archive) = archive(&[(&bytes, content.len())]);
    let mut decoder = FrameDecoder::without_checksums(&archive).unwrap();
    decoder.whole(&archive, 0).unwrap();
    assert_eq!(decoder.decoded(), content);
}

#[test]
fn nothing_is_taken_behind_the_end_of_a_frame() {
    let content = content(9, 10);
    let bytes = compressed(&content, 3, 20);
    let (_dir, archive) = archive(&[(&bytes, content.len())]);
    let mut decoder = FrameDecoder::new(&archive).unwrap();
    decoder.begin(&archive, 0).unwrap();
    assert_eq!(decoder.next_bytes(content.len() + 1).unwrap_err().code(), "frame-damaged");
    assert_eq!(decoder.skip(u64::MAX).unwrap_err().code(), "entry-mismatch");
    assert_eq!(decoder.next_bytes(content.len()).unwrap(), content);
    assert_eq!(decoder.begin(&archive, 1).unwrap_err().code(), "archive-truncated");
}
