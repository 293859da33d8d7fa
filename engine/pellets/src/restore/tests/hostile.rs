//! Archives that want to write elsewhere: refused, and nothing is written anywhere.

use std::fs;

use super::kit::{options, remains, restore};
use crate::read::tests::Tarball;
use crate::tests::kit::{Bench, snapshot};
use crate::{ReadError, ReadErrorKind};

fn t() -> Tarball {
    Tarball::default()
}

/// Restores a tarball beside a folder that must stay as it is.
fn attempt(bytes: Vec<u8>, change: impl FnOnce(&mut crate::Limits)) -> Result<(), ReadError> {
    let bench = Bench::new();
    let outside = bench.path("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), b"secret").unwrap();
    let before = snapshot(&outside);
    let archive = bench.path("hostile.tar");
    fs::write(&archive, bytes).unwrap();
    let target = bench.path("out");
    let mut options = options(&archive, &target);
    change(&mut options.limits);
    let done = restore(&options);
    assert_eq!(snapshot(&outside), before);
    assert_eq!(target.exists(), done.is_ok());
    assert!(remains(&target).is_empty());
    let known = ["hostile.tar", "out", "outside", "tree"];
    for item in fs::read_dir(bench.path("")).unwrap() {
        let name = item.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name.as_str()), "{name} appeared");
    }
    done.map(|_| ())
}

#[track_caller]
fn refused(tarball: Tarball, code: &str) {
    let error = attempt(tarball.end(), |_| {}).expect_err(code);
    assert_eq!(error.code(), code, "{error}");
    assert_eq!(error.kind(), ReadErrorKind::Refused);
}

/// RUSTSEC-2021-0080: a link, then a directory through it.
#[test]
fn a_directory_through_a_link() {
    refused(t().symlink(b"link", b"../outside").dir(b"link/dir/"), "path-parent");
    refused(t().symlink(b"link", b"../outside").file(b"link/file", b"x"), "path-parent");
    refused(t().symlink(b"link", b"../outside").symlink(b"link/s", b"t"), "path-parent");
    refused(t().symlink(b"a", b".").symlink(b"a/b", b"..").file(b"a/b/c", b"x"), "path-parent");
    refused(t().file(b"f", b"").hardlink(b"h", b"f").file(b"h/x", b""), "path-parent");
}

/// CVE-2026-33056, RUSTSEC-2026-0067: a directory entry where a link is, so that its mode goes through.
#[test]
fn a_mode_through_a_link() {
    refused(t().symlink(b"link", b"../outside").dir(b"link/"), "path-duplicate");
    refused(t().symlink(b"link", b"../outside/secret").file(b"link", b"x"), "path-duplicate");
    refused(t().dir(b"d/").symlink(b"d", b"../outside"), "path-duplicate");
    refused(t().file(b"f", b"1").file(b"f", b"2"), "path-duplicate");
    refused(t().dir(b"d/").dir(b"d/"), "path-duplicate");
    refused(t().dir(b"./").dir(b"./"), "path-duplicate");
    refused(t().file(b"f", b"1").file(b"./f", b"2"), "path-duplicate");
}

#[test]
fn paths_that_lead_out() {
    refused(t().file(b"/etc/evil", b"x"), "path-absolute");
    refused(t().file(b"../evil", b"x"), "path-component");
    refused(t().file(b"a/../../evil", b"x"), "path-component");
    refused(t().file(b"a/./b", b"x"), "path-component");
    refused(t().file(b"a//b", b"x"), "path-component");
    refused(t().dir(b".."), "path-component");
    refused(t().file(b".", b"x"), "path-component");
    refused(t().pax(b'x', &[("path", b"../evil")]).file(b"f", b"x"), "path-component");
    refused(t().long(b'L', b"/evil").file(b"f", b"x"), "path-absolute");
}

#[test]
fn hard_links_to_what_is_not_ours() {
    refused(t().hardlink(b"h", b"../outside/secret"), "path-component");
    refused(t().hardlink(b"h", b"/etc/passwd"), "path-absolute");
    refused(t().hardlink(b"h", b"later").file(b"later", b""), "link-target");
    refused(t().symlink(b"s", b"../outside/secret").hardlink(b"h", b"s"), "link-target");
    refused(t().dir(b"d/").hardlink(b"h", b"d"), "link-target");
    refused(t().hardlink(b"h", b"h"), "link-target");
}

#[test]
fn devices_and_other_types() {
    for flag in *b"3467" {
        refused(t().entry(flag, b"odd", b"", b""), "tar-type");
    }
}

#[test]
fn what_is_hostile_late_leaves_nothing_of_what_came_before() {
    refused(t().file(b"good", b"x").dir(b"dir/").file(b"dir/../../evil", b""), "path-component");
    let torn = t().file(b"good", b"x").file(b"torn", &[1; 600]).open_end();
    let error = attempt(torn[..torn.len() - 512].to_vec(), |_| {}).unwrap_err();
    assert_eq!(error.kind(), ReadErrorKind::Damaged);
}

/// Links out are brought back as they are, since interpreters of virtual environments are such; they
/// are not followed.
#[test]
fn links_lead_where_they_lead() {
    attempt(t().symlink(b"python", b"/usr/bin/python3").symlink(b"up", b"../..").end(), |_| {})
        .unwrap();
    let nul = t().pax(b'x', &[("linkpath", &[b'x'; 5000])]).symlink(b"long", b"t");
    let error = attempt(nul.end(), |_| {}).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("link-target", ReadErrorKind::TooLarge));
}

#[test]
fn caps_hold() {
    type Change = fn(&mut crate::Limits);
    let cases: [(Tarball, &str, Change); 5] = [
        (t().dir(b"a/").dir(b"b/"), "too-many-entries", |l| l.max_entries = 1),
        (t().file(b"a/b/c", b""), "too-many-entries", |l| l.max_entries = 1),
        (t().file(b"a", b"xx").file(b"b", b"xx"), "too-many-bytes", |l| l.max_bytes = 3),
        (t().file(b"a/b/c", b""), "path-too-deep", |l| l.max_depth = 2),
        (t().file(b"abcde", b""), "path-too-long", |l| l.max_path = 4),
    ];
    for (tarball, code, change) in cases {
        let error = attempt(tarball.end(), change).expect_err(code);
        assert_eq!((error.code(), error.kind()), (code, ReadErrorKind::TooLarge), "{error}");
    }
}
