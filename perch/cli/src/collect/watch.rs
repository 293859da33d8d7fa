//! Notices that a configuration file says something else.
//!
//! The file is read, not watched: what counts is what it says. So a file that was replaced by rename, a symbolic link
//! that leads elsewhere (as Kubernetes exchanges a ConfigMap) and a file written in place are all the same.
//!
//! *Invariants*
//! 1. A new text is reported once, and only after it stood still for one look: a file half written is not read.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the file is looked at: a small read, and nobody waits longer for a change.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A configuration is smaller; what is not is no configuration.
const MAX_BYTES: u64 = 4 << 20;

/// A file and what it was last known to say.
#[derive(Debug)]
pub(super) struct Watched {
    file: PathBuf,
    known: Option<Vec<u8>>,
    seen: Option<Vec<u8>>,
}

impl Watched {
    /// From now on changes against what `file` says now are noticed.
    pub(super) fn new(file: &Path) -> Self {
        let known = read(file);
        Self { file: file.to_owned(), seen: known.clone(), known }
    }

    /// Waits until the file says something else than it was known to.
    pub(super) async fn changed(&mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let file = self.file.clone();
            let now = tokio::task::spawn_blocking(move || read(&file)).await.unwrap_or_default();
            if self.look(now) {
                return;
            }
        }
    }

    /// What it says now is known.
    pub(super) fn acknowledge(&mut self) {
        self.known = read(&self.file);
        self.seen.clone_from(&self.known);
    }

    /// Whether `now` is new and stands still. A file that is not there says nothing.
    fn look(&mut self, now: Option<Vec<u8>>) -> bool {
        let stands_still = now == self.seen;
        self.seen = now;
        if self.seen.is_none() || !stands_still || self.seen == self.known {
            return false;
        }
        self.known.clone_from(&self.seen);
        true
    }
}

fn read(file: &Path) -> Option<Vec<u8>> {
    let metadata = std::fs::metadata(file).ok()?;
    (metadata.len() <= MAX_BYTES).then(|| std::fs::read(file).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// Two looks, of which the second is the one that counts.
    fn looks(watched: &mut Watched) -> [bool; 3] {
        std::array::from_fn(|_| {
            let now = read(&watched.file);
            watched.look(now)
        })
    }

    #[test]
    #[allow(
        clippy::disallowed_methods,
        reason = "others exchange the file; nothing of ours is kept by it"
    )]
    fn renames_links_and_writes_are_noticed_once() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let say = |name: &str, text: &str| fs::write(at(name), text).unwrap();
        say("..1", "one");
        symlink("..1", at("..data")).unwrap();
        symlink("..data", at("perch.yaml")).unwrap();
        let mut watched = Watched::new(&at("perch.yaml"));
        assert_eq!(looks(&mut watched), [false; 3]);
        say("..2", "two");
        symlink("..2", at("..next")).unwrap();
        fs::rename(at("..next"), at("..data")).unwrap();
        assert_eq!(looks(&mut watched), [false, true, false], "a link that leads elsewhere");
        say("other", "three");
        fs::rename(at("other"), at("perch.yaml")).unwrap();
        assert_eq!(looks(&mut watched), [false, true, false], "a file put in its place");
        say("perch.yaml", "four");
        assert_eq!(looks(&mut watched), [false, true, false], "a file written over");
        fs::remove_file(at("perch.yaml")).unwrap();
        assert_eq!(looks(&mut watched), [false; 3], "a file that is gone says nothing");
        say("perch.yaml", "four");
        assert_eq!(looks(&mut watched), [false; 3], "it says what it said");
    }
}
