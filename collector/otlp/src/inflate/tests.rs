use std::io::Write;

use super::{InflateError, compress, inflate};
use crate::{Encoding, Limits};

const BOTH: [Encoding; 2] = [Encoding::Gzip, Encoding::Zstd];

fn noise(n: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}

#[test]
fn both_encodings_come_back_and_may_be_concatenated() {
    for encoding in BOTH {
        let (a, b) = (noise(300_000), noise(10));
        let mut twice = compress(encoding, &a).unwrap();
        twice.extend(compress(encoding, &b).unwrap());
        let out = inflate(encoding, &twice, &Limits::default()).unwrap();
        assert!(out == [a, b].concat(), "{encoding:?}");
    }
}

#[test]
fn cut_empty_foreign_and_trailing_bytes_are_broken() {
    for encoding in BOTH {
        let whole = compress(encoding, &noise(1000)).unwrap();
        let trailing = [&whole[..], b"trailing bytes"].concat();
        let cut = (1..whole.len()).map(|n| whole[..n].to_vec());
        for bytes in cut.chain([vec![], b"plain text, not compressed".to_vec(), trailing]) {
            let result = inflate(encoding, &bytes, &Limits::default());
            assert!(
                matches!(result, Err(InflateError::Broken { .. })),
                "{encoding:?} {}",
                bytes.len()
            );
        }
    }
}

#[test]
fn bombs_are_refused_by_ratio_and_by_size() {
    let zeros = vec![0; 64 << 20];
    for encoding in BOTH {
        let bomb = compress(encoding, &zeros[..12 << 20]).unwrap();
        let result = inflate(encoding, &bomb, &Limits::default());
        assert!(matches!(result, Err(InflateError::Ratio { limit: 100 })), "{encoding:?}");
        let no_ratio = Limits { max_ratio: usize::MAX, ..Limits::default() };
        let bomb = compress(encoding, &zeros).unwrap();
        let result = inflate(encoding, &bomb, &no_ratio);
        assert!(matches!(result, Err(InflateError::TooLarge { .. })), "{encoding:?}");
    }
}

#[test]
fn a_zstd_window_beyond_the_cap_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&noise(100_000)).unwrap();
    let wide = encoder.finish().unwrap();
    let result = inflate(Encoding::Zstd, &wide, &Limits::default());
    assert!(matches!(result, Err(InflateError::Broken { .. })));
}

#[test]
fn a_gzip_header_may_hold_everything_it_can() {
    let (plain, bare) = (noise(5_000), compress(Encoding::Gzip, &noise(5_000)).unwrap());
    let header = flate2::GzBuilder::new().filename("a name").comment("words").extra(vec![7; 300]);
    let mut encoder = header.write(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&plain).unwrap();
    let full = encoder.finish().unwrap();
    assert!(full.len() > bare.len() + 300);
    assert_eq!(inflate(Encoding::Gzip, &full, &Limits::default()).unwrap(), plain);
    let both = [&full[..], &bare[..], &full[..]].concat();
    assert_eq!(inflate(Encoding::Gzip, &both, &Limits::default()).unwrap().len(), 15_000);
    // The size it claims is only where the buffer begins.
    for claim in [0_u32, 4_999, u32::MAX] {
        let mut lying = bare.clone();
        let at = lying.len() - 4;
        lying[at..].copy_from_slice(&claim.to_le_bytes());
        let result = inflate(Encoding::Gzip, &lying, &Limits::default());
        assert!(matches!(result, Err(InflateError::Broken { .. })), "{claim}");
    }
}

#[test]
fn every_flipped_bit_of_a_gzip_member_is_found() {
    let whole = compress(Encoding::Gzip, b"some words, some more words, and words again").unwrap();
    let plain = inflate(Encoding::Gzip, &whole, &Limits::default()).unwrap();
    for at in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        // Time, operating system, compression level and whether it is text bear no meaning, nor do
        // the bits that fill the last byte before the trailer.
        let is_idle = at == 24 || (32..80).contains(&at) || at / 8 == whole.len() - 9;
        match inflate(Encoding::Gzip, &flipped, &Limits::default()) {
            Ok(out) => assert!(is_idle && out == plain, "bit {at}"),
            Err(error) => assert!(matches!(error, InflateError::Broken { .. }), "bit {at}"),
        }
    }
}
