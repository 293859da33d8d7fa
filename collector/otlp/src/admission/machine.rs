//! How much memory this process may use.

use std::fs::read_to_string;
use std::path::{Component, Path};

/// Bytes this process may use: the least of its cgroup's limits, those of the groups around it, and the
/// machine's memory. `None` where nothing tells.
#[must_use]
pub fn memory() -> Option<u64> {
    memory_under(Path::new("/"))
}

pub(super) fn memory_under(root: &Path) -> Option<u64> {
    let groups = read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().filter_map(|line| limit_of_group(root, line));
    limits.chain(total(root)).min()
}

/// The limit of a line `ID:CONTROLLERS:PATH`; version 2 names no controllers.
fn limit_of_group(root: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    if controllers.is_empty() {
        // `memory.high` is where the kernel begins to slow the group down: no place to work at.
        return least_upwards(&root.join("sys/fs/cgroup"), path, &["memory.max", "memory.high"]);
    }
    let of_memory = controllers.split(',').any(|controller| controller == "memory");
    let mount = root.join("sys/fs/cgroup/memory");
    of_memory.then(|| least_upwards(&mount, path, &["memory.limit_in_bytes"])).flatten()
}

/// The least of the limits of the group at `path` and of all around it. In a container the path may be one of
/// the host's, which is not mounted; then only the container's own group, at the mount, tells.
fn least_upwards(mount: &Path, path: &str, files: &[&str]) -> Option<u64> {
    let path = Path::new(path.trim_start_matches('/'));
    if path.components().any(|part| part == Component::ParentDir) {
        return least_upwards(mount, "", files);
    }
    let groups = path.ancestors().map(|group| mount.join(group));
    groups.flat_map(|group| files.iter().filter_map(move |file| number(&group.join(file)))).min()
}

/// The number in a file; "max" is none.
fn number(file: &Path) -> Option<u64> {
    read_to_string(file).ok()?.trim().parse().ok()
}

fn total(root: &Path) -> Option<u64> {
    let text = read_to_string(root.join("proc/meminfo")).ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    kib.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
