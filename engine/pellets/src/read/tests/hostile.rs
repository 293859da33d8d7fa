//! Each way in which tars have been fooled, as bytes: refused by name.
//!
//! What passes here is then judged by path and by type when it is brought back; the tests of
//! `restore` take over there.

use super::tarball::{Gnu, Tarball, pax};
use crate::read::tar::{TarError, TarReader};

fn names(bytes: &[u8]) -> Result<Vec<String>, TarError> {
    let mut reader = TarReader::new(bytes);
    let mut names = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        names.push(entry.path.escape_ascii().to_string());
    }
    Ok(names)
}

#[track_caller]
fn refused(bytes: &[u8], code: &str) {
    let error = names(bytes).expect_err(code);
    assert_eq!(error.odd().map(crate::read::TarOdd::code), Some(code), "{error}");
}

fn t() -> Tarball {
    Tarball::default()
}

/// CVE-2026-33055 / RUSTSEC-2026-0068: a reader that ignores the PAX size sees the hidden entry.
#[test]
fn a_pax_size_that_contradicts_the_header() {
    let hidden = t().file(b"hidden", b"").open_end();
    let by_pax = t().pax(b'x', &[("size", b"512")]).file(b"shown", b"").data(&hidden).end();
    refused(&by_pax, "tar-size-disagrees");
    let by_header = t().pax(b'x', &[("size", b"0")]).file(b"shown", &hidden).end();
    refused(&by_header, "tar-size-disagrees");
    let agreed = t().pax(b'x', &[("size", b"512")]).file(b"shown", &hidden).end();
    assert_eq!(names(&agreed).unwrap(), ["shown"]);
}

/// CVE-2026-53655, CVE-2025-62518: a PAX size that is applied to the wrong header.
#[test]
fn a_pax_header_before_a_long_name() {
    let hidden = t().file(b"hidden", b"").open_end();
    let bytes = t().pax(b'x', &[("size", b"512")]).long(b'L', b"shown").data(&hidden);
    refused(&bytes.file(b"shown", b"").end(), "tar-extension-order");
    let bytes = t().long(b'L', b"shown").pax(b'x', &[("path", b"other")]).file(b"third", b"");
    refused(&bytes.end(), "tar-extension-order");
    let bytes = t().long(b'K', b"there").pax(b'x', &[("linkpath", b"here")]).symlink(b"l", b"t");
    refused(&bytes.end(), "tar-extension-order");
    let bytes = t().long(b'L', b"n").pax(b'x', &[("size", b"512")]).file(b"shown", b"");
    refused(&bytes.data(&hidden).end(), "tar-size-disagrees");
}

/// RUSTSEC-2026-0112, -0113 and -0145 (astral-tokio-tar): extension headers that are repeated, global
/// ones that say something, and numbers that readers understand differently.
#[test]
fn extension_headers_out_of_order() {
    let x = [("path", &b"a"[..])];
    refused(&t().pax(b'x', &x).pax(b'x', &x).file(b"b", b"").end(), "tar-extension-order");
    refused(&t().long(b'L', b"a").long(b'L', b"b").file(b"c", b"").end(), "tar-extension-order");
    refused(&t().pax(b'x', &x).pax(b'g', &[]).file(b"b", b"").end(), "tar-extension-order");
    refused(&t().pax(b'x', &x).end(), "tar-extension-order");
    refused(&t().pax(b'g', &x).file(b"b", b"").end(), "tar-pax-unsupported");
    refused(&t().pax(b'g', &[("size", b"9")]).file(b"b", b"").end(), "tar-pax-unsupported");
    refused(&t().pax(b'g', &[("comment", b"c")]).end(), "tar-extension-order");
    let comment = t().pax(b'g', &[("comment", b"0123456789abcdef")]).file(b"b", b"").end();
    assert_eq!(names(&comment).unwrap(), ["b"]);
}

#[test]
fn pax_records_that_lie_about_themselves() {
    let file = |payload: &[u8]| t().entry(b'x', b"x", b"", payload).file(b"f", b"").end();
    for payload in [
        &b"8 path=a\n"[..],
        b"11 path=a\n",
        b"path=a\n",
        b"10 path=\0\n",
        b"0 \n",
        b"-1 path=a\n",
        b"18446744073709551616 path=a\n",
        b"10 path=a\n\0\0",
    ] {
        let error = names(&file(payload)).unwrap_err();
        assert!(matches!(error.odd(), Some(odd) if odd.code().starts_with("tar-")), "{error}");
    }
    refused(&file(b""), "tar-pax-record");
    refused(&file(&pax(&[("path", b"a"), ("path", b"b")])), "tar-pax-record");
    refused(&file(&pax(&[("path", b"")])), "tar-name");
    refused(&file(&pax(&[("path", b"a\0b")])), "tar-name");
    refused(&file(&pax(&[("size", b"-1")])), "tar-pax-record");
    refused(&file(&pax(&[("size", b"18446744073709551615")])), "tar-number");
    refused(&file(&pax(&[("hdrcharset", b"EBCDIC")])), "tar-pax-unsupported");
    refused(&file(&pax(&[("SUN.holesdata", b" 0 1")])), "tar-pax-unsupported");
    refused(&file(&pax(&[("GNU.volume.size", b"1")])), "tar-pax-unsupported");
}

#[test]
fn types_that_a_tree_of_packages_has_not() {
    for flag in *b"3467ADMNVXZ\x7f" {
        refused(&t().entry(flag, b"odd", b"", b"").end(), "tar-type");
    }
    for flag in *b"125" {
        refused(&t().entry(flag, b"odd", b"target", b"content").end(), "tar-size");
    }
    refused(&t().symlink(b"link", b"").end(), "tar-name");
    refused(&t().hardlink(b"link", b"").end(), "tar-name");
}

#[test]
fn names_that_two_readers_take_for_two_things() {
    refused(&t().file(b"dir/", b"").end(), "tar-name");
    refused(&t().file(b"", b"").end(), "tar-name");
    refused(&t().dir(b"///").end(), "tar-name");
    refused(&t().pax(b'x', &[("path", b"dir/")]).file(b"f", b"").end(), "tar-name");
    refused(&t().long(b'L', b"f").entry(0, b"dir/", b"", b"").end(), "tar-name");
    refused(&t().long(b'L', b"").file(b"f", b"").end(), "tar-name");
    refused(&t().long_in(Gnu(true), b'L', b"a\0b\0").file(b"f", b"").end(), "tar-name");
    refused(&t().long_in(Gnu(false), b'L', b"no nul").file(b"f", b"").end(), "tar-name");
    // An old directory is one for everybody.
    assert_eq!(names(&t().entry(0, b"dir/", b"", b"").end()).unwrap(), ["dir"]);
}

#[test]
fn headers_of_no_or_of_two_dialects() {
    let put = |change: fn(&mut [u8; 512])| t().put(Tarball::header(b'0', b"f", 0), change).end();
    refused(&put(|b| b[257..265].copy_from_slice(b"ustar\0\0\0")), "tar-dialect");
    refused(&put(|b| b[257..265].copy_from_slice(b"USTAR\x0000")), "tar-dialect");
    refused(&put(|b| b[508..512].copy_from_slice(b"tar\0")), "tar-dialect");
    refused(
        &put(|b| {
            b[257..265].copy_from_slice(b"ustar  \0");
            b[345..356].copy_from_slice(b"prefix/evil");
        }),
        "tar-dialect",
    );
    refused(&put(|b| b[124..136].copy_from_slice(b"            ")), "tar-number");
    refused(&put(|b| b[124..136].copy_from_slice(b"-0000000001\0")), "tar-number");
    refused(&put(|b| b[124..136].fill(0xff)), "tar-number");
    refused(&put(|b| b[108..116].copy_from_slice(b"nobody\0\0")), "tar-number");
    refused(&put(|b| b[329..337].copy_from_slice(b"0000009\0")), "tar-number");
    let mut wrong = t().file(b"f", b"").end();
    wrong[0] ^= 1;
    refused(&wrong, "tar-checksum");
}

#[test]
fn ends_that_are_none() {
    let whole = t().file(b"f", b"content").end();
    for len in (0..whole.len() - 512).step_by(256) {
        refused(&whole[..len], "tar-truncated");
    }
    refused(&whole[..whole.len() - 512], "tar-truncated");
    let one_zero_block = [&whole[..whole.len() - 512], &whole[..1024]].concat();
    refused(&one_zero_block, "tar-after-end");
    refused(&[&whole[..], &whole[..]].concat(), "tar-after-end");
    refused(&[&whole[..], b"x"].concat(), "tar-after-end");
    let padded = [&whole[..], &[0; 10_000]].concat();
    assert_eq!(names(&padded).unwrap(), ["f"]);
}

#[test]
fn extensions_that_take_all_memory() {
    for (flag, size) in
        [(b'L', 1 << 30), (b'K', 65_537), (b'x', u64::from(u32::MAX)), (b'g', 1 << 33)]
    {
        let bytes = t().put(Tarball::header(flag, b"big", size % (1 << 33)), |b| {
            if size >= 1 << 33 {
                b[124..136].fill(0);
                b[124] = 0x80;
                b[131] = 2;
            }
        });
        refused(&bytes.file(b"f", b"").end(), "tar-extension-too-large");
    }
}

#[test]
fn sparse_maps_that_contradict_the_file() {
    let v1 = |map: &str, real: &str| {
        let records: [(&str, &[u8]); 4] = [
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"f"),
            ("GNU.sparse.realsize", real.as_bytes()),
        ];
        let mut content = map.as_bytes().to_vec();
        content.resize(512, 0);
        content.extend_from_slice(&[7; 600]);
        t().pax(b'x', &records).file(b"GNUSparseFile.1/f", &content).end()
    };
    assert_eq!(names(&v1("1\n1000\n600\n", "2000")).unwrap(), ["f"]);
    assert_eq!(names(&v1("2\n0\n512\n1024\n88\n", "1112")).unwrap(), ["f"]);
    for (map, real) in [
        ("1\n1000\n600\n", "1599"),
        ("1\n1000\n601\n", "2000"),
        ("2\n1000\n512\n1000\n88\n", "2000"),
        ("2\n1024\n512\n0\n88\n", "2000"),
        // GNU tar reads each range from a new block on.
        ("2\n0\n88\n1024\n512\n", "2000"),
        ("1\n18446744073709551615\n600\n", "2000"),
        ("1\n-1\n600\n", "2000"),
        ("99999999999\n0\n600\n", "2000"),
        ("1\n1000\n600\n7", "2000"),
        ("1\n1000\n000000000000000000000600\n", "2000"),
    ] {
        refused(&v1(map, real), "tar-sparse");
    }
    let records = |records: &[(&str, &[u8])]| t().pax(b'x', records).file(b"f", b"").end();
    refused(&records(&[("GNU.sparse.name", b"other")]), "tar-sparse");
    refused(&records(&[("GNU.sparse.size", b"1"), ("GNU.sparse.numblocks", b"1")]), "tar-sparse");
    refused(&records(&[("GNU.sparse.offset", b"1"), ("GNU.sparse.offset", b"1")]), "tar-sparse");
    refused(
        &t().pax(b'x', &[("GNU.sparse.size", b"0"), ("GNU.sparse.numblocks", b"0")])
            .dir(b"d/")
            .end(),
        "tar-sparse",
    );
    // Readers disagree on which name counts once `path` stands behind it.
    let records: [(&str, &[u8]); 5] = [
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"f"),
        ("path", b"g"),
        ("GNU.sparse.realsize", b"0"),
    ];
    refused(&t().pax(b'x', &records).file(b"f", b"0\n").end(), "tar-sparse");
}

#[test]
fn a_refusal_says_where() {
    let mut bytes = t().file(b"first", b"content").file(b"second", b"").end();
    bytes[1024 + 10] ^= 1;
    let error = names(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "a header's checksum is wrong (at byte 1024 of the tar stream)");
}
