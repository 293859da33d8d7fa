//! Restores on a bench, and what a tree looks like with its times.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use durable_fs::{DiskFs, Fs, ManualClock};

use crate::tests::kit::{Bench, snapshot};
use crate::{Packed, ReadError, RestoreOptions, Restored, Unwatched};

pub(super) fn options(archive: &Path, target: &Path) -> RestoreOptions {
    let threads = NonZeroUsize::new(3).unwrap();
    RestoreOptions { threads, ..RestoreOptions::new(archive, target) }
}

pub(super) fn restore_on(fs: &dyn Fs, options: &RestoreOptions) -> Result<Restored, ReadError> {
    crate::restore(fs, &ManualClock::at(Duration::from_secs(1)), options, &Unwatched)
}

pub(super) fn restore(options: &RestoreOptions) -> Result<Restored, ReadError> {
    restore_on(&DiskFs, options)
}

/// Modification times of a tree and its root, nanoseconds.
pub(super) fn times(root: &Path) -> BTreeMap<PathBuf, i128> {
    let time = |path: &Path| {
        let meta = fs::symlink_metadata(path).unwrap();
        i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec())
    };
    let mut times: BTreeMap<_, _> =
        snapshot(root).into_keys().map(|path| (path.clone(), time(&root.join(path)))).collect();
    times.insert(PathBuf::new(), time(root));
    times
}

/// A tree of every type, in several small frames.
pub(super) fn packed(bench: &Bench) -> Packed {
    for n in 0..6u8 {
        bench.file(format!("lib/{n}/index.js"), &vec![n; 900 * usize::from(n)]);
    }
    bench.file("bin/run", b"#!/bin/sh\n");
    bench.file("big", &(0..20_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    bench.file("zero", b"");
    let source = bench.source();
    fs::set_permissions(source.join("bin/run"), PermissionsExt::from_mode(0o755)).unwrap();
    fs::set_permissions(source.join("lib/3"), PermissionsExt::from_mode(0o500)).unwrap();
    fs::create_dir_all(source.join("empty/dir")).unwrap();
    symlink("../bin/run", source.join("lib/run")).unwrap();
    symlink("/nowhere/at all", source.join("out")).unwrap();
    fs::hard_link(source.join("big"), source.join("lib/big")).unwrap();
    bench.pack_as(&bench.options(), 8192).unwrap()
}

/// What lies beside `target` and is not it.
pub(super) fn remains(target: &Path) -> Vec<PathBuf> {
    let items = fs::read_dir(target.parent().unwrap()).unwrap();
    let names = items.map(|item| PathBuf::from(item.unwrap().file_name()));
    names.filter(|name| name.to_string_lossy().starts_with(".nestr-restore")).collect()
}
