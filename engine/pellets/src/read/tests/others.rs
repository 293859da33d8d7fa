//! What other tars make of an archive.

/// Lists by GNU tar, Python's `tarfile` and, where it is installed, bsdtar.
pub(super) mod reference {
    use std::path::Path;
    use std::process::{Command, Stdio};

    use crate::read::{TarEntry, TarKind};

    /// One entry as everybody must see it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(in crate::read::tests) struct Seen {
        pub(in crate::read::tests) name: Vec<u8>,
        pub(in crate::read::tests) kind: char,
        pub(in crate::read::tests) size: u64,
        pub(in crate::read::tests) target: Vec<u8>,
        pub(in crate::read::tests) mode: u32,
    }

    const PYTHON: &str = r"
import os, sys, tarfile
with tarfile.open(sys.argv[1], 'r:', encoding='utf-8', errors='surrogateescape') as tar:
    for m in tar:
        kind = 'f' if m.isreg() else 'd' if m.isdir() else 's' if m.issym() else 'h' if m.islnk() else '?'
        name = os.fsencode(m.name.rstrip('/') if kind == 'd' else m.name).hex()
        target = os.fsencode(m.linkname).hex() if kind in 'sh' else ''
        size = m.size if kind == 'f' else 0
        print(name or '-', kind, size, target or '-', m.mode & 0o7777)
";

    /// Our own list in that form.
    pub(in crate::read::tests) fn of(entries: &[TarEntry]) -> Vec<Seen> {
        let seen = |e: &TarEntry| {
            let (kind, target) = match &e.kind {
                TarKind::File => ('f', Vec::new()),
                TarKind::Directory => ('d', Vec::new()),
                TarKind::Symlink { target } => ('s', target.to_vec()),
                TarKind::Hardlink { target } => ('h', target.to_vec()),
            };
            Seen { name: e.path.to_vec(), kind, size: e.size, target, mode: e.mode }
        };
        entries.iter().map(seen).collect()
    }

    pub(in crate::read::tests) fn python(archive: &Path) -> Vec<Seen> {
        let output = Command::new("python3")
            .args(["-c", PYTHON])
            .arg(archive)
            .env("PYTHONUTF8", "1")
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let line = |line: &str| {
            let mut fields = line.split(' ');
            let mut next = || fields.next().unwrap();
            let bytes = |text: &str| hex::decode(text.trim_matches('-')).unwrap();
            Seen {
                name: bytes(next()),
                kind: next().chars().next().unwrap(),
                size: next().parse().unwrap(),
                target: bytes(next()),
                mode: next().parse().unwrap(),
            }
        };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", archive.display());
        String::from_utf8(output.stdout).unwrap().lines().map(line).collect()
    }

    /// GNU tar's names, each on a line, directories without their slash.
    pub(in crate::read::tests) fn gnu(archive: &Path) -> Vec<u8> {
        let output = Command::new("tar")
            .args(["--quoting-style=literal", "-P", "-tf"])
            .arg(archive)
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Our names in the form of GNU tar.
    pub(in crate::read::tests) fn as_gnu(seen: &[Seen], directories: &[bool]) -> Vec<u8> {
        let mut out = Vec::new();
        for (seen, directory) in seen.iter().zip(directories) {
            out.extend_from_slice(&seen.name);
            out.extend_from_slice(if *directory { b"/\n" } else { b"\n" });
        }
        out
    }

    /// bsdtar's names; none where it is not installed, or where a name would be shown in another form.
    pub(in crate::read::tests) fn bsd(archive: &Path, seen: &[Seen]) -> Option<Vec<Vec<u8>>> {
        let plain = |b: &u8| b.is_ascii_graphic() && *b != b'\\';
        if !seen.iter().all(|s| s.name.iter().all(plain)) {
            return None;
        }
        let program = std::env::var_os("NESTR_TEST_BSDTAR").unwrap_or_else(|| "bsdtar".into());
        let output = Command::new(program).arg("-tf").arg(archive).output().ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = output.stdout.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        Some(lines.map(|line| line.strip_suffix(b"/").unwrap_or(line).to_vec()).collect())
    }
}
