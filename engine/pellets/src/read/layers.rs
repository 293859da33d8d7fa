//! The archives of a Pellet: its own and, of a delta, the earlier ones.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use durable_fs::Fs;

use super::archive::Archive;
use super::error::{ReadError, ReadErrorKind};
use super::limits::Limits;
use crate::digest::Digest;
use crate::sidecar::{Layer, Sidecar};

/// The most archives beside a delta that are looked at.
const MAX_BESIDE: usize = 1_000;

/// Open archives; layer 0 is the Pellet's own.
#[derive(Debug)]
pub(crate) struct Layers {
    own: Archive,
    /// Layer 1 and on; none where it was not found.
    earlier: Vec<Option<Archive>>,
    missing: Vec<Digest>,
}

impl Layers {
    /// Looks for the archives that `sidecar` names: among `ancestors`, in the folder of their digest beside
    /// the archive's own, as a store has them, and beside the archive. One is taken for what it should be
    /// where its frames are those that the sidecar tells of; what is read of it is compared with digests.
    pub(crate) fn open(
        fs: &dyn Fs,
        own: Archive,
        sidecar: &Sidecar,
        ancestors: &[PathBuf],
        limits: &Limits,
    ) -> Result<Self, ReadError> {
        let layers = sidecar.delta.as_ref().map_or(&[][..], |delta| &delta.layers);
        let mut beside = None;
        let mut earlier = Vec::with_capacity(layers.len());
        for layer in layers {
            let stored = pellets_in(fs, &store_folder(own.path(), &layer.digest))?;
            let mut found = find(fs, ancestors, layer, limits)?;
            if found.is_none() {
                found = find(fs, &stored, layer, limits)?;
            }
            if found.is_none() {
                let beside = match &mut beside {
                    Some(beside) => beside,
                    none => {
                        let folder = own.path().parent().unwrap_or(Path::new(""));
                        none.insert(pellets_in(fs, folder)?)
                    }
                };
                found = find(fs, beside, layer, limits)?;
            }
            earlier.push(found);
        }
        let pairs = layers.iter().zip(&earlier);
        let missing = pairs.filter(|(_, found)| found.is_none()).map(|(l, _)| l.digest).collect();
        Ok(Self { own, earlier, missing })
    }

    /// Nothing but the Pellet's own archive, which is no delta.
    pub(crate) fn single(own: Archive) -> Self {
        Self { own, earlier: Vec::new(), missing: Vec::new() }
    }

    pub(crate) fn own(&self) -> &Archive {
        &self.own
    }

    pub(crate) fn get(&self, layer: u32) -> Result<&Archive, ReadError> {
        let found = match layer.checked_sub(1) {
            None => Some(&self.own),
            Some(n) => usize::try_from(n).ok().and_then(|n| self.earlier.get(n)?.as_ref()),
        };
        found.ok_or_else(|| missing("an earlier pellet that the delta needs"))
    }

    /// The earlier archives that were found, by layer.
    pub(crate) fn earlier(&self) -> impl Iterator<Item = (u32, &Archive)> {
        (1..).zip(&self.earlier).filter_map(|(n, archive)| Some((n, archive.as_ref()?)))
    }

    /// What was not found.
    pub(crate) fn missing(&self) -> impl Iterator<Item = ReadError> {
        self.missing
            .iter()
            .map(|digest| missing(&format!("the delta needs the pellet {digest}, which")))
    }

    pub(crate) fn assert_complete(&self) -> Result<(), ReadError> {
        self.missing().next().map_or(Ok(()), Err)
    }
}

fn missing(what: &str) -> ReadError {
    let what = format!("{what} is neither named nor beside it");
    ReadError::new(ReadErrorKind::NotFound, "ancestor-missing", what)
}

/// The first of `paths` that is the archive of `layer`. One that is something else is passed over; a
/// disk that fails says nothing about what is there.
fn find(
    fs: &dyn Fs,
    paths: &[PathBuf],
    layer: &Layer,
    limits: &Limits,
) -> Result<Option<Archive>, ReadError> {
    for path in paths {
        match Archive::open(fs, path, limits) {
            Ok(archive) if archive.frames() == layer.frames => return Ok(Some(archive)),
            Err(e) if e.kind() == ReadErrorKind::Internal => return Err(e),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(None)
}

/// `<store>/<digest>` for an archive at `<store>/<other digest>/NAME.pellet`.
fn store_folder(archive: &Path, digest: &Digest) -> PathBuf {
    let folder = archive.parent().unwrap_or(Path::new(""));
    folder.join("..").join(digest.to_string())
}

fn pellets_in(fs: &dyn Fs, folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let folder = if folder == Path::new("") { Path::new(".") } else { folder };
    let mut paths = match fs.list(folder) {
        Ok(paths) => paths,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Vec::new(),
        Err(e) => return Err(ReadError::in_input(folder, e)),
    };
    paths.retain(|path| path.extension() == Some(OsStr::new("pellet")));
    paths.truncate(MAX_BESIDE);
    Ok(paths)
}
