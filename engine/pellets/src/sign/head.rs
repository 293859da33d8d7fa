//! The digest of everything a sidecar says about how its archive is to be read.

use std::borrow::Borrow;

use crate::digest::Digest;
use crate::sidecar::{Sidecar, SidecarEntry, SidecarFrame};

/// Separates this hash from every other use of BLAKE3, and one version of it from the next.
const DOMAIN: &[u8] = b"nestr.sidecar.v1\n";

/// Hashes name, profile, parameters, program, layers, frames and the places of `entries`. Numbers are
/// little-endian; texts and lists begin with their length or count (u32).
pub(super) fn head<E>(
    sidecar: &Sidecar<E>,
    entries: impl ExactSizeIterator<Item: Borrow<SidecarEntry>>,
) -> Digest {
    let mut head = Head(blake3::Hasher::new());
    head.0.update(DOMAIN);
    head.u32(sidecar.schema_version);
    head.text(sidecar.name.as_str());
    head.text(sidecar.profile.as_str());
    let parameters = &sidecar.parameters;
    head.u32(parameters.frame_size);
    head.u32(parameters.level.cast_unsigned());
    head.u32(parameters.window_log);
    head.u32(u32::from(parameters.long_distance_matching));
    head.u32(parameters.long_distance_min_match.unwrap_or(0));
    head.u32(parameters.long_distance_hash_rate_log.unwrap_or(0));
    head.u64(parameters.mtime);
    head.text(&parameters.zstd);
    head.text(&sidecar.created_by);
    head.frames(&sidecar.frames);
    let layers = sidecar.delta.as_ref().map_or(&[][..], |delta| &delta.layers);
    head.count(layers.len());
    for layer in layers {
        head.0.update(layer.digest.as_bytes());
        head.frames(&layer.frames);
    }
    head.count(entries.len());
    entries.for_each(|entry| head.place(entry.borrow()));
    // At the end, so that Pellets without them keep the signatures they have.
    let tables = [
        parameters.long_distance_bucket_log,
        parameters.hash_log,
        parameters.chain_log,
        parameters.min_match,
    ];
    if tables.iter().any(Option::is_some) {
        tables.into_iter().for_each(|n| head.u32(n.unwrap_or(0)));
    }
    head.0.finalize().into()
}

struct Head(blake3::Hasher);

impl Head {
    fn u32(&mut self, n: u32) {
        self.0.update(&n.to_le_bytes());
    }

    fn u64(&mut self, n: u64) {
        self.0.update(&n.to_le_bytes());
    }

    /// A list of four thousand million things does not fit into a sidecar.
    fn count(&mut self, n: usize) {
        self.u32(u32::try_from(n).unwrap_or(u32::MAX));
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text.as_bytes());
    }

    fn frames(&mut self, frames: &[SidecarFrame]) {
        self.count(frames.len());
        for frame in frames {
            self.u64(frame.offset);
            self.u32(frame.compressed);
            self.u32(frame.content);
        }
    }

    fn place(&mut self, entry: &SidecarEntry) {
        self.u32(entry.layer);
        self.u64(entry.frame);
        self.u64(entry.offset);
        self.u64(entry.header);
        match &entry.sparse {
            None => self.u32(u32::MAX),
            Some(segments) => {
                self.count(segments.len());
                for (offset, len) in segments {
                    self.u64(*offset);
                    self.u64(*len);
                }
            }
        }
    }
}
