//! An earlier Pellet, opened and judged.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use durable_fs::Fs;

use crate::digest::Digest;
use crate::read::{Archive, Index, Limits, ReadError, assert_tree};
use crate::sidecar::{Layer, Sidecar};

/// An earlier Pellet to pack against.
#[derive(Debug)]
pub struct Base {
    pub(crate) sidecar: Sidecar,
    pub(crate) archive: Archive,
}

impl Base {
    /// Opens a Pellet, compares the two files with each other, and the archive with its digest.
    ///
    /// # Errors
    /// [`ReadError`] where it is not there or not whole.
    pub fn open(
        fs: &dyn Fs,
        archive: &Path,
        sidecar: &Path,
        limits: &Limits,
    ) -> Result<Self, ReadError> {
        let sidecar = Sidecar::read(fs, sidecar)?;
        let archive = Archive::open(fs, archive, limits)?;
        Index::check(&sidecar, &archive, limits)?;
        // The digests of its entries are taken over, and only this one tells of damage to them.
        assert_tree(&sidecar)?;
        let (found, _) = archive.digest(&AtomicBool::new(false))?;
        if found != sidecar.digest {
            let what = "the digest of the archive is another one";
            return Err(ReadError::damaged("digest-mismatch", what)
                .at(archive.path())
                .instead(sidecar.digest, found));
        }
        Ok(Self { sidecar, archive })
    }

    /// Its digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.sidecar.digest
    }

    /// Its own archive and those it needs itself, by layer.
    pub(crate) fn layers(&self) -> Vec<Layer> {
        let own = Layer { digest: self.sidecar.digest, frames: self.sidecar.frames.clone() };
        let earlier = self.sidecar.delta.iter().flat_map(|delta| delta.layers.iter().cloned());
        std::iter::once(own).chain(earlier).collect()
    }
}
