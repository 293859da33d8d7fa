//! Keys as OpenSSL writes them, and every way in which a signed Pellet is not what was signed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use durable_fs::{DiskFs, ManualClock};

use super::{KeyError, SigningKey, VerifyingKey};
use crate::tests::kit::Bench;
use crate::{
    Digest, PackOptions, Packed, RawPath, ReadError, RestoreOptions, Sidecar, Unwatched,
    VerifyOptions,
};

/// The first test vector of RFC 8032 in the forms of RFC 8410.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
    -----END PUBLIC KEY-----\n";
const OTHER: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n\
    -----END PUBLIC KEY-----\n";

/// Makes a sidecar lie.
type Change = fn(&mut Sidecar);

fn key_file(bench: &Bench, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = bench.path(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    path
}

/// A key to sign with.
pub(crate) fn signing_key(bench: &Bench) -> SigningKey {
    SigningKey::read(&key_file(bench, "key.pem", PRIVATE, 0o600)).unwrap()
}

fn signed(bench: &Bench) -> Packed {
    let key = signing_key(bench);
    for n in 0..4u8 {
        bench.file(format!("dir/{n}"), &vec![n; 3000]);
    }
    let options = PackOptions { sign: Some(Arc::new(key)), ..bench.options() };
    bench.pack_as(&options, 8192).unwrap()
}

fn verifying(bench: &Bench, text: &str) -> Option<VerifyingKey> {
    Some(VerifyingKey::read(&key_file(bench, "pub.pem", text, 0o644)).unwrap())
}

fn restore(
    bench: &Bench,
    packed: &Packed,
    keys: impl IntoIterator<Item = VerifyingKey>,
    only: Option<&str>,
) -> Result<(), ReadError> {
    let target = bench.path("out");
    let _ = fs::remove_dir_all(&target);
    let only = only.map(|path| RawPath::from(Path::new(path)));
    let keys = keys.into_iter().collect();
    let options = RestoreOptions { keys, only, ..RestoreOptions::new(&packed.archive, &target) };
    let done = crate::restore(&DiskFs, &ManualClock::at(Duration::ZERO), &options, &Unwatched);
    assert!(done.is_ok() || !target.exists());
    done.map(|_| ())
}

fn findings(packed: &Packed, key: Option<VerifyingKey>) -> Vec<&'static str> {
    let options = VerifyOptions { key, ..VerifyOptions::new(&packed.archive) };
    let clock = ManualClock::at(Duration::ZERO);
    let verified = crate::verify(&DiskFs, &clock, &options, &Unwatched).unwrap();
    verified.findings.into_iter().map(|f| f.code).collect()
}

fn edit(packed: &Packed, change: impl FnOnce(&mut Sidecar)) {
    let mut sidecar = Sidecar::read(&DiskFs, &packed.sidecar).unwrap();
    change(&mut sidecar);
    fs::write(&packed.sidecar, serde_json::to_vec(&sidecar).unwrap()).unwrap();
}

#[test]
fn a_signed_pellet_is_admitted_by_its_key_alone() {
    let bench = Bench::new();
    let packed = signed(&bench);
    let (ours, other) = (verifying(&bench, PUBLIC), verifying(&bench, OTHER));
    assert_eq!(findings(&packed, None), Vec::<&str>::new());
    assert_eq!(findings(&packed, ours), Vec::<&str>::new());
    assert_eq!(findings(&packed, other), ["signature-wrong"]);
    for only in [None, Some("dir"), Some("dir/2")] {
        restore(&bench, &packed, ours, only).unwrap();
        restore(&bench, &packed, [other, ours].into_iter().flatten(), only).unwrap();
        let error = restore(&bench, &packed, other, only).unwrap_err();
        assert_eq!(
            (error.code(), error.kind()),
            ("signature-wrong", crate::ReadErrorKind::Damaged)
        );
    }
    assert_eq!(Sidecar::read(&DiskFs, &packed.sidecar).unwrap().signature.unwrap().key, {
        ours.unwrap().to_string()
    });
}

#[test]
fn equal_trees_have_equal_signatures() {
    let value = || {
        let bench = Bench::new();
        let sidecar = Sidecar::read(&DiskFs, &signed(&bench).sidecar).unwrap();
        sidecar.signature.unwrap().value
    };
    assert_eq!(value(), value());
}

#[test]
fn whatever_is_changed_the_key_tells() {
    let bench = Bench::new();
    let packed = signed(&bench);
    let ours = verifying(&bench, PUBLIC);
    let whole = fs::read(&packed.sidecar).unwrap();
    let changes: [(&str, Change); 10] = [
        ("signature-missing", |s| s.signature = None),
        ("signature-wrong", |s| s.signature.as_mut().unwrap().value.replace_range(..2, "zz")),
        ("signature-wrong", |s| s.digest = Digest::of(b"other")),
        ("signature-wrong", |s| s.tree = Digest::of(b"other")),
        ("signature-wrong", |s| s.entries[2].offset += 512),
        ("signature-wrong", |s| s.parameters.level = 4),
        ("signature-wrong", |s| s.parameters.hash_log = Some(18)),
        ("signature-wrong", |s| s.parameters.min_match = None),
        // Through the digest of the tree, which must follow from the entries.
        ("tree-mismatch", |s| s.entries[2].mode = 0o777),
        ("tree-mismatch", |s| s.entries[2].blake3 = Some(Digest::of(b"other"))),
    ];
    for (n, (code, change)) in changes.into_iter().enumerate() {
        fs::write(&packed.sidecar, &whole).unwrap();
        edit(&packed, change);
        assert!(findings(&packed, ours).contains(&code), "{n}: {:?}", findings(&packed, ours));
        for only in [None, Some("dir"), Some("dir/2")] {
            let error = restore(&bench, &packed, ours, only).unwrap_err();
            assert_eq!(error.code(), code, "{n} {only:?}: {error}");
        }
    }
    // The key that is named is only a hint: who verified is told, not who the Pellet says it was.
    fs::write(&packed.sidecar, &whole).unwrap();
    edit(&packed, |s| s.signature.as_mut().unwrap().key = "7777".into());
    let options = VerifyOptions { key: ours, ..VerifyOptions::new(&packed.archive) };
    let clock = ManualClock::at(Duration::ZERO);
    let verified = crate::verify(&DiskFs, &clock, &options, &Unwatched).unwrap();
    assert_eq!(verified.signed_by, ours.map(|key| key.to_string()));
    // What is no part of the tree may differ.
    fs::write(&packed.sidecar, &whole).unwrap();
    edit(&packed, |s| s.created_at.clear());
    restore(&bench, &packed, ours, None).unwrap();
    fs::remove_file(&packed.sidecar).unwrap();
    assert_eq!(restore(&bench, &packed, ours, None).unwrap_err().code(), "signature-missing");
}

#[test]
fn keys_that_are_none() {
    let bench = Bench::new();
    let exposed = SigningKey::read(&key_file(&bench, "a", PRIVATE, 0o640)).unwrap_err();
    assert!(matches!(exposed, KeyError::Exposed { mode: 0o640, .. }));
    for text in ["", PUBLIC, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        let path = key_file(&bench, "b", text, 0o600);
        assert!(matches!(SigningKey::read(&path), Err(KeyError::Form { .. })), "{text}");
    }
    let private = key_file(&bench, "c", PRIVATE, 0o600);
    assert!(matches!(VerifyingKey::read(&private), Err(KeyError::Form { .. })));
    assert!(matches!(VerifyingKey::read(&bench.path("no")), Err(KeyError::Io { .. })));
    let shown = format!("{:?}", SigningKey::read(&private).unwrap());
    assert!(shown.contains("d75a9801") && !shown.contains("9d61b19d"), "{shown}");
}
