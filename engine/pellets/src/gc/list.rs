//! The Pellets of a store, from their sidecars.

use std::io;

use durable_fs::Fs;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::digest::Digest;
use crate::name::PelletName;
use crate::profile::Profile;
use crate::read::ReadError;
use crate::sidecar::{Origin, SidecarError, Totals, read_as};
use crate::store::Store;

/// A Pellet of a store; what its sidecar says without the list of entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedPellet {
    /// Of the archive.
    pub digest: Digest,
    /// The name it was given.
    pub name: PelletName,
    /// Of the tree.
    pub tree: Digest,
    /// How it was packed.
    pub profile: Profile,
    /// Sums.
    pub totals: Totals,
    /// Where the tree was.
    pub origin: Origin,
    /// Of a delta: what it was packed against and what it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<ListedDelta>,
    /// RFC 3339 in UTC.
    pub created_at: String,
}

/// What a listed delta needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedDelta {
    /// The Pellet that it was packed against.
    pub base: Digest,
    /// The Pellets whose archives it needs.
    pub layers: Vec<ListedLayer>,
}

/// A Pellet that a delta needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedLayer {
    /// Which.
    pub digest: Digest,
}

impl ListedPellet {
    /// When it was packed, nanoseconds since the Unix epoch; 0 where that cannot be read.
    #[must_use]
    pub fn created_unix_nanos(&self) -> u64 {
        let at = OffsetDateTime::parse(&self.created_at, &Rfc3339).ok();
        at.and_then(|at| u64::try_from(at.unix_timestamp_nanos()).ok()).unwrap_or(0)
    }
}

/// The Pellets of a store.
#[derive(Debug, Default)]
pub struct Listing {
    /// Newest first.
    pub pellets: Vec<ListedPellet>,
    /// Those whose sidecar cannot be used, and why.
    pub unusable: Vec<(Digest, ReadError)>,
}

/// Lists the Pellets of a store.
///
/// # Errors
/// Whatever listing the folder fails with.
pub fn list(fs: &dyn Fs, store: &Store) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for path in fs.list(store.dir())? {
        let Some(digest) = path.file_name().and_then(|n| n.to_str()?.parse().ok()) else {
            continue;
        };
        let Some(stored) = store.pellet(&digest)? else { continue };
        match read_as(fs, &stored.sidecar, |bytes| Ok(serde_json::from_slice(bytes)?)) {
            Ok(pellet) => listing.pellets.push(pellet),
            // Removed since it was found.
            Err(SidecarError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                listing.unusable.push((digest, ReadError::in_sidecar(&stored.sidecar, error)));
            }
        }
    }
    listing
        .pellets
        .sort_by_key(|p: &ListedPellet| (std::cmp::Reverse(p.created_unix_nanos()), p.digest));
    listing.unusable.sort_by_key(|(digest, _)| *digest);
    Ok(listing)
}
