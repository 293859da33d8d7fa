//! No bytes make a reader panic, and none of ours that were changed pass for others.

use durable_fs::DiskFs;
use proptest::prelude::*;

use super::others::reference;
use super::tarball::Tarball;
use crate::read::{Archive, FrameDecoder, Index, Limits, TarReader, list_foreign};
use crate::sidecar::Sidecar;

fn read_all(bytes: &[u8]) -> Option<usize> {
    let mut reader = TarReader::new(bytes);
    let mut n = 0;
    loop {
        match reader.next_entry() {
            Ok(Some(entry)) => {
                let copied = std::io::copy(&mut reader, &mut std::io::sink());
                if let Ok(copied) = copied {
                    assert_eq!(copied, entry.stored);
                }
                n += 1;
            }
            Ok(None) => return Some(n),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return None;
            }
        }
    }
}

/// One of everything that the reader knows.
fn seed() -> Vec<u8> {
    let sparse: [(&str, &[u8]); 4] = [
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"s"),
        ("GNU.sparse.realsize", b"9"),
    ];
    Tarball::default()
        .pax(b'g', &[("comment", b"c")])
        .dir(b"d/")
        .file(b"d/f", b"content")
        .long(b'L', &[b'n'; 130])
        .long(b'K', &[b't'; 130])
        .symlink(b"link", b"t")
        .pax(b'x', &[("path", b"p"), ("mtime", b"1.5"), ("SCHILY.xattr.user.a", b"v")])
        .file(b"q", b"")
        .hardlink(b"h", b"d/f")
        .pax(b'x', &sparse)
        .file(b"S/s", &[&b"1\n0\n9\n"[..], &[0; 506], b"123456789"].concat())
        .end()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        read_all(&bytes);
    }

    #[test]
    fn any_change_is_read_or_refused(
        at in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        mend in any::<bool>(),
    ) {
        let mut bytes = seed();
        prop_assert_eq!(read_all(&bytes), Some(6));
        for (index, byte) in at {
            let at = index.index(bytes.len());
            bytes[at] = byte;
            if mend {
                let block = &mut bytes[at / 512 * 512..][..512];
                block[148..156].copy_from_slice(b"        ");
                let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
                block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
        }
        read_all(&bytes);
    }

    #[test]
    fn any_bytes_are_no_archive(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("odd.pellet");
        std::fs::write(&path, &bytes).unwrap();
        prop_assert!(Archive::open(&DiskFs, &path, &Limits::default()).is_err());
        prop_assert!(list_foreign(&DiskFs, &path, &Limits::default()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// A list that survives a change is the one that Python gives too.
    #[test]
    #[ignore = "runs Python once per case; `cargo test -p nestr-pellets -- --ignored`"]
    fn a_changed_stream_is_listed_as_python_lists_it(
        at in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..3),
    ) {
        let mut bytes = seed();
        for (index, byte) in at {
            let at = index.index(bytes.len());
            bytes[at] = byte;
            let block = &mut bytes[at / 512 * 512..][..512];
            block[148..156].copy_from_slice(b"        ");
            let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("changed.tar");
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(ours) = list_foreign(&DiskFs, &path, &Limits::default()) {
            prop_assert_eq!(reference::of(&ours), reference::python(&path));
        }
    }

    #[test]
    fn a_changed_sidecar_is_refused_or_the_same(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let bench = crate::read::tests::differential::packed();
        let mut bytes = std::fs::read(&bench.sidecar).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let limits = Limits::default();
        let archive = Archive::open(&DiskFs, &bench.archive, &limits).unwrap();
        if let Ok(sidecar) = Sidecar::parse(&bytes)
            && let Ok(index) = Index::check(&sidecar, &archive, &limits)
        {
            let mut decoder = FrameDecoder::new(&archive).unwrap();
            for i in 0..sidecar.entries.len() {
                prop_assert!(index.start(i) < index.end(i));
            }
            for frame in 0..sidecar.frames.len() {
                prop_assert!(decoder.whole(&archive, frame).is_ok());
            }
        }
    }
}
