//! Takes a Pellet out of a store.

use std::io;

use durable_fs::Fs;

use crate::digest::Digest;
use crate::store::Store;

/// Removes the Pellet of this digest; false where the store holds none. In one step it is no longer
/// there: its folder is renamed into a temporary one, which then goes away.
///
/// # Errors
/// Whatever renaming fails with; then the Pellet is still there.
pub fn remove(fs: &dyn Fs, store: &Store, digest: &Digest) -> io::Result<bool> {
    let _lock = store.lock()?;
    let staging = store.staging(fs)?;
    match fs.rename(&store.folder(digest), &staging.path("removed")) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        done => done?,
    }
    fs.sync_dir(store.dir())?;
    Ok(true)
}
