//! The gate: what we list, GNU tar, Python and bsdtar list too; what they write, we list.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use durable_fs::{DiskFs, ManualClock};

use super::others::reference;
use crate::pack::pack_with;
use crate::read::{Limits, TarEntry, list_foreign};
use crate::{Destination, PackOptions, Packed, Profile, Unobserved};

/// Asserts that everybody lists what we list; our list, where we do not refuse.
#[track_caller]
fn agree(archive: &Path) -> Result<Vec<TarEntry>, crate::ReadError> {
    let entries = list_foreign(&DiskFs, archive, &Limits::default())?;
    let seen = reference::of(&entries);
    assert_eq!(reference::python(archive), seen, "Python, {}", archive.display());
    let directories: Vec<bool> = seen.iter().map(|s| s.kind == 'd').collect();
    let gnu = reference::gnu(archive);
    let ours = reference::as_gnu(&seen, &directories);
    assert!(
        gnu == ours,
        "GNU tar, {}:\n{}\n{}",
        archive.display(),
        gnu.escape_ascii(),
        ours.escape_ascii()
    );
    if let Some(bsd) = reference::bsd(archive, &seen) {
        let names: Vec<_> = seen.iter().map(|s| s.name.clone()).collect();
        assert_eq!(bsd, names, "bsdtar, {}", archive.display());
    }
    Ok(entries)
}

/// A tree with everything that the formats write in ways of their own.
fn tree(root: &Path, short: bool) {
    fs::create_dir_all(root.join("dir/empty")).unwrap();
    fs::write(root.join("dir/file"), b"content").unwrap();
    fs::write(root.join("dir/nothing"), b"").unwrap();
    fs::hard_link(root.join("dir/file"), root.join("hard")).unwrap();
    symlink("dir/file", root.join("soft")).unwrap();
    if short {
        return;
    }
    fs::write(root.join("n".repeat(150)), b"long").unwrap();
    symlink("t".repeat(150), root.join("long-target")).unwrap();
    let deep = root.join("d".repeat(90)).join("e".repeat(90)).join("f".repeat(90));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("leaf"), b"deep").unwrap();
    rustix::fs::setxattr(deep.join("leaf"), "user.a", b"v", rustix::fs::XattrFlags::empty())
        .unwrap();
    fs::write(root.join("ünïcode"), b"u").unwrap();
    let sparse = fs::File::create(root.join("sparse")).unwrap();
    use std::os::unix::fs::FileExt;
    sparse.set_len(3 << 20).unwrap();
    sparse.write_all_at(b"head", 0).unwrap();
    sparse.write_all_at(&[9; 70_000], 1 << 20).unwrap();
}

#[test]
fn what_gnu_tar_writes_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    tree(&dir.path().join("short"), true);
    tree(&dir.path().join("all"), false);
    let forms: [(&str, &str, &[&str]); 8] = [
        ("v7", "short", &["--format=v7"]),
        ("oldgnu", "all", &["--format=oldgnu"]),
        ("gnu", "all", &["--format=gnu"]),
        ("gnu-sparse", "all", &["--format=gnu", "--sparse"]),
        ("ustar", "short", &["--format=ustar"]),
        ("pax", "all", &["--format=posix"]),
        ("pax-sparse", "all", &["--format=posix", "--sparse"]),
        ("pax-sparse-0.1", "all", &["--format=posix", "--sparse", "--sparse-version=0.1"]),
    ];
    for (name, tree, flags) in forms {
        let archive = dir.path().join(format!("{name}.tar"));
        let tar = Command::new("tar")
            .args(flags)
            .args(["--sort=name", "-C"])
            .arg(dir.path().join(tree))
            .arg("-cf")
            .args([archive.as_os_str(), ".".as_ref()])
            .output()
            .unwrap();
        assert!(tar.status.success(), "{name}: {}", String::from_utf8_lossy(&tar.stderr));
        let entries = agree(&archive).unwrap_or_else(|e| panic!("{name}: {e}"));
        if name.contains("sparse") {
            let sparse = entries.iter().find(|e| e.path.ends_with(b"sparse")).unwrap();
            assert_eq!(sparse.size, 3 << 20, "{name}");
            // Where the file system of the test keeps holes, they are not in the stream.
            assert!(sparse.extents.is_some() || sparse.stored == sparse.size, "{name}");
        }
    }
}

#[test]
fn what_python_writes_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    tree(&dir.path().join("all"), false);
    let program = "import sys, tarfile\n\
                   with tarfile.open(sys.argv[1], 'w', format=int(sys.argv[3])) as tar:\n\
                   \x20   tar.add(sys.argv[2], arcname='root')\n";
    // 1 is GNU, 2 is PAX.
    for format in ["1", "2"] {
        let archive = dir.path().join(format!("{format}.tar"));
        let tar = Command::new("python3")
            .args(["-c", program])
            .args([archive.as_os_str(), dir.path().join("all").as_os_str(), format.as_ref()])
            .output()
            .unwrap();
        assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
        agree(&archive).unwrap_or_else(|e| panic!("{format}: {e}"));
    }
}

/// A Pellet in two frames, made once.
pub(super) fn packed() -> &'static Packed {
    static PACKED: std::sync::OnceLock<(tempfile::TempDir, Packed)> = std::sync::OnceLock::new();
    &PACKED
        .get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            let source = dir.path().join("tree");
            tree(&source, false);
            let options = PackOptions::new(&source);
            let mut parameters = Profile::Seekable.parameters(0);
            parameters.frame_size = 1 << 20;
            let target = Destination::File(dir.path().join("tree.pellet"));
            let clock = ManualClock::at(std::time::Duration::from_secs(1));
            let packed = pack_with(&DiskFs, &clock, &options, parameters, &target, &Unobserved);
            (dir, packed.unwrap())
        })
        .1
}

#[test]
fn what_we_write_is_listed_by_all() {
    let packed = packed();
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain.tar");
    let zstd =
        Command::new("zstd").args(["-q", "-d", "-o"]).args([&plain, &packed.archive]).status();
    assert!(zstd.unwrap().success());
    let entries = agree(&plain).unwrap();
    assert_eq!(entries.len() as u64, packed.entries);
    // The same through our own decompressor.
    assert_eq!(list_foreign(&DiskFs, &packed.archive, &Limits::default()).unwrap(), entries);
}

/// Each advisory's archive in its honest form, and other forms at the edge of what is read: what is not refused
/// is listed as everybody lists it. Their hostile twins are in `hostile`.
#[test]
fn odd_archives_that_are_read_are_listed_by_all_alike() {
    use super::tarball::Tarball;
    let t = Tarball::default;
    let hidden = t().file(b"hidden", b"").open_end();
    let pax = |records: &[(&str, &[u8])]| t().pax(b'x', records);
    let long = "l".repeat(300);
    let value = [("SCHILY.xattr.user.a", &b"v"[..])];
    let honest: [(&str, Vec<u8>); 14] = [
        (
            "a PAX size that says what the header says",
            pax(&[("size", b"512")]).file(b"shown", &hidden).file(b"next", b"").end(),
        ),
        ("a tar in a tar", t().file(b"inner.tar", &t().file(b"in", b"x").end()).end()),
        ("a global comment", t().pax(b'g', &[("comment", b"0123")]).file(b"b", b"").end()),
        ("a PAX path", pax(&[("path", b"dir/other")]).file(b"shown", b"x").file(b"c", b"").end()),
        ("a long PAX path", pax(&[("path", long.as_bytes())]).file(b"short", b"x").end()),
        ("a PAX link target", pax(&[("linkpath", b"else")]).symlink(b"link", b"there").end()),
        ("a GNU long name", t().long(b'L', long.as_bytes()).file(b"short", b"x").end()),
        (
            "a GNU long name and target",
            t().long(b'K', long.as_bytes()).long(b'L', b"name").symlink(b"s", b"t").end(),
        ),
        (
            "records behind a GNU long name",
            t().long(b'L', long.as_bytes()).pax(b'x', &value).file(b"short", b"x").end(),
        ),
        (
            "records behind a GNU long name and target",
            t().long(b'K', long.as_bytes())
                .long(b'L', long.as_bytes())
                .pax(b'x', &[("mtime", b"1.5")])
                .symlink(b"s", b"t")
                .file(b"next", b"x")
                .end(),
        ),
        ("an old directory", t().entry(0, b"dir/", b"", b"").file(b"dir/f", b"1").end()),
        ("zeros behind the end", [t().file(b"f", b"1").end(), vec![0; 20 * 512]].concat()),
        ("a link that leads out", t().symlink(b"up", b"../../etc/passwd").end()),
        ("a path twice", t().file(b"f", b"1").file(b"f", b"22").end()),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (what, bytes) in honest {
        let plain = dir.path().join(format!("{what}.tar"));
        fs::write(&plain, &bytes).unwrap();
        let entries = agree(&plain).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(!entries.iter().any(|e| *e.path == *b"hidden" || *e.path == *b"in"), "{what}");
        // Cut into frames at any place, with a skippable one between, it is the same archive.
        let cut = bytes.len() / 3;
        let frame = |part: &[u8]| zstd::bulk::compress(part, 3).unwrap();
        let skippable =
            [&0x184D_2A50_u32.to_le_bytes()[..], &4_u32.to_le_bytes(), b"note"].concat();
        let frames = [frame(&bytes[..cut]), skippable, frame(&bytes[cut..])].concat();
        let packed = dir.path().join(format!("{what}.tar.zst"));
        fs::write(&packed, frames).unwrap();
        assert_eq!(list_foreign(&DiskFs, &packed, &Limits::default()).unwrap(), entries, "{what}");
    }
}

/// Archives that nobody here wrote: libarchive's own test cases, where they are at hand.
#[test]
fn a_foreign_corpus_is_listed_as_others_list_it_or_refused() {
    let root = std::env::var_os("NESTR_TEST_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let Ok(found) = fs::read_dir(root.join("tar/libarchive")) else {
        println!("skipped: no corpus beside the checkout; NESTR_TEST_CORPORA names another place");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (mut n_listed, mut refused) = (0, Vec::new());
    for item in found {
        let path = item.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let archive = match path.extension().and_then(|e| e.to_str()) {
            Some("tar") => path,
            Some("Z" | "gz") => {
                let plain = dir.path().join(&name);
                let gzip = Command::new("gzip").arg("-dc").arg(&path).output().unwrap();
                assert!(gzip.status.success(), "{name}");
                fs::write(&plain, gzip.stdout).unwrap();
                plain
            }
            _ => continue,
        };
        match agree(&archive) {
            Ok(entries) => {
                println!("{name}: {} entries", entries.len());
                n_listed += 1;
            }
            Err(e) => refused.push(format!("{name}: {}", e.code())),
        }
    }
    refused.sort();
    println!("refused:\n{}", refused.join("\n"));
    assert!(n_listed >= 5, "listed {n_listed}, refused {refused:?}");
}
