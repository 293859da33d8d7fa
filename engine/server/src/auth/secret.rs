//! The signing secret: 32 random bytes in hexadecimal in `jwt.key`, made on the first start.
//!
//! # Invariants
//! 1. The file is complete before it has its name, and an existing one is never replaced: it is written under a
//!    temporary name, synced, and hard-linked, which fails if the name is taken.
//! 2. A file that others than its owner can reach is refused.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use durable_fs::Fs;

const FILE_NAME: &str = "jwt.key";
const N_BYTES: usize = 32;

/// The secret that signs tokens; it never prints itself.
#[derive(Clone)]
pub struct Secret([u8; N_BYTES]);

/// Why there is no usable secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file or its folder cannot be read or written.
    #[error("cannot use the signing secret {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Others than the owner can reach the file.
    #[error("the signing secret {} has mode {mode:04o}, which others can reach; run `chmod 600` on it, or delete it and restart to draw a new one", path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold 64 hexadecimal digits.
    #[error("the signing secret {} is not 64 hexadecimal digits; delete it and restart to draw a new one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

impl Secret {
    /// Reads `jwt.key` in `state_dir`; draws and keeps one if there is none.
    pub fn load_or_create(fs: &dyn Fs, state_dir: &Path) -> Result<Self, SecretError> {
        let path = state_dir.join(FILE_NAME);
        let io = |source| SecretError::Io { path: path.clone(), source };
        if !path.try_exists().map_err(io)? {
            create(fs, state_dir, &path).map_err(io)?;
        }
        read(fs, path)
    }

    /// A secret of these bytes, for tests and embedders that keep their own.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; N_BYTES]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn create(fs: &dyn Fs, state_dir: &Path, path: &Path) -> io::Result<()> {
    fs.create_dir_all(state_dir)?;
    let mut bytes = [0; N_BYTES];
    let mut tag = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    getrandom::fill(&mut tag).map_err(io::Error::other)?;
    let partial = state_dir.join(format!(".{FILE_NAME}.{}", hex::encode(tag)));
    let mut file = fs.create_new(&partial)?;
    let written = file.write_all(hex::encode(bytes).as_bytes()).and_then(|()| file.sync());
    let linked = written.and_then(|()| match std::fs::hard_link(&partial, path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs.remove_file(&partial)?;
    linked?;
    fs.sync_dir(state_dir)
}

fn read(fs: &dyn Fs, path: PathBuf) -> Result<Secret, SecretError> {
    let io = |source| SecretError::Io { path: path.clone(), source };
    let mode = std::fs::metadata(&path).map_err(io)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(SecretError::TooOpen { path, mode });
    }
    let mut text = [0; 2 * N_BYTES + 2];
    let n = fs.open_read(&path).and_then(|file| file.read_at(&mut text, 0)).map_err(io)?;
    let mut bytes = [0; N_BYTES];
    match hex::decode_to_slice(text[..n].trim_ascii_end(), &mut bytes) {
        Ok(()) => Ok(Secret(bytes)),
        Err(_) => Err(SecretError::Damaged { path }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use durable_fs::{DiskFs, FaultyFs, OpKind, Verdict};
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    fn load(dir: &Path) -> Result<Secret, SecretError> {
        Secret::load_or_create(&DiskFs, dir)
    }

    #[test]
    fn is_drawn_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("nestr");
        let first = load(&state).unwrap();
        assert_eq!(first.bytes(), load(&state).unwrap().bytes());
        assert_eq!(std::fs::metadata(state.join(FILE_NAME)).unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&state).unwrap().count(), 1, "no partial file remains");
        let other = load(&dir.path().join("other")).unwrap();
        assert_ne!(first.bytes(), other.bytes());
        assert!(!format!("{first:?}").contains(&hex::encode(first.bytes())));
    }

    #[test]
    fn a_file_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        load(dir.path()).unwrap();
        let path = dir.path().join(FILE_NAME);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(load(dir.path()), Err(SecretError::TooOpen { mode: 0o640, .. })));
    }

    #[test]
    fn a_short_or_foreign_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        load(dir.path()).unwrap();
        for text in ["", "abcd", &"g".repeat(64), &"a".repeat(66)] {
            std::fs::write(dir.path().join(FILE_NAME), text).unwrap();
            assert!(matches!(load(dir.path()), Err(SecretError::Damaged { .. })), "{text}");
        }
    }

    #[test]
    fn a_failed_write_leaves_no_secret_behind() {
        let dir = tempfile::tempdir().unwrap();
        for kind in [OpKind::Write, OpKind::Sync] {
            let fs = FaultyFs::new(Arc::new(DiskFs), move |op| match op.kind == kind {
                true => Verdict::Fail(io::ErrorKind::StorageFull.into()),
                false => Verdict::Pass,
            });
            assert!(Secret::load_or_create(&fs, dir.path()).is_err());
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }
}
