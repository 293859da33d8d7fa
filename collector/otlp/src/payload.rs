//! The protobuf of a request: kept as it came, and plain for whoever reads it.
//!
//! *Invariants*
//! 1. What came compressed is kept compressed. Its plain form lives as long as the value that was looked
//!    into, and all clones that are looked into meanwhile share it; a clone alone never keeps it.
//!
//! *Failure*: compressed bytes were inflated once when they were proven, and what comes from a disk has a
//! checksum. Should they not inflate again all the same, that is logged, and the plain form is empty.

use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use bytes::Bytes;

use crate::inflate::inflate;
use crate::{Encoding, Limits};

/// Compressed bytes as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// How they are compressed.
    pub encoding: Encoding,
    /// The compressed bytes.
    pub bytes: Bytes,
}

/// Protobuf bytes, perhaps kept compressed; looked into, they are plain.
#[derive(Debug, Clone)]
pub struct Payload(Form);

#[derive(Debug, Clone)]
enum Form {
    Plain(Bytes),
    Packed(Packed),
}

#[derive(Debug)]
struct Packed {
    carried: Encoded,
    n_plain: usize,
    /// The plain form, once this value was looked into.
    plain: OnceLock<Arc<Bytes>>,
    /// The plain form that some clone has.
    shared: Arc<Mutex<Weak<Bytes>>>,
}

impl Payload {
    /// Compressed bytes with what they were seen to inflate to.
    #[must_use]
    pub fn proven(carried: Encoded, plain: Bytes) -> Self {
        let packed = Packed::new(carried, plain.len());
        packed.own(Arc::new(plain));
        Self(Form::Packed(packed))
    }

    /// Compressed bytes that were proven before, and the length they inflate to.
    #[must_use]
    pub fn restored(carried: Encoded, n_plain: usize) -> Self {
        Self(Form::Packed(Packed::new(carried, n_plain)))
    }

    /// The compressed form as it came; `None` for what came plain, as JSON, or was edited.
    #[must_use]
    pub fn carried(&self) -> Option<&Encoded> {
        match &self.0 {
            Form::Plain(_) => None,
            Form::Packed(packed) => Some(&packed.carried),
        }
    }

    /// The bytes as they are kept, compressed where they came so.
    #[must_use]
    pub fn kept(&self) -> &Bytes {
        match &self.0 {
            Form::Plain(bytes) => bytes,
            Form::Packed(packed) => &packed.carried.bytes,
        }
    }

    /// Bytes of the plain form; nothing is inflated for it.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Plain(bytes) => bytes.len(),
            Form::Packed(packed) => packed.n_plain,
        }
    }

    /// Whether the plain form is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes this value keeps in memory, the plain form included where it was looked into.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        let n = match &self.0 {
            Form::Plain(bytes) => bytes.len(),
            Form::Packed(packed) => {
                packed.carried.bytes.len() + packed.plain.get().map_or(0, |plain| plain.len())
            }
        };
        n as u64
    }
}

impl Packed {
    fn new(carried: Encoded, n_plain: usize) -> Self {
        Self { carried, n_plain, plain: OnceLock::new(), shared: Arc::default() }
    }

    fn own(&self, plain: Arc<Bytes>) -> &Bytes {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        *shared = Arc::downgrade(&plain);
        self.plain.get_or_init(|| plain)
    }

    fn plain(&self) -> &Bytes {
        if let Some(plain) = self.plain.get() {
            return plain;
        }
        // Held while inflating, so that others who come meanwhile wait for this one and share it.
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let plain = shared.upgrade().unwrap_or_else(|| {
            let plain = Arc::new(self.inflated());
            *shared = Arc::downgrade(&plain);
            plain
        });
        self.plain.get_or_init(|| plain)
    }

    fn inflated(&self) -> Bytes {
        let Encoded { encoding, bytes } = &self.carried;
        let (max_decoded_bytes, max_ratio) = (self.n_plain, usize::MAX);
        let limits = Limits { max_decoded_bytes, max_ratio, ..Limits::default() };
        match inflate(*encoding, bytes, &limits) {
            Ok(plain) if plain.len() == self.n_plain => plain.into(),
            other => {
                let error = other.err().map(|error| error.to_string()).unwrap_or_default();
                tracing::error!(error, "proven bytes do not inflate to what they were");
                Bytes::new()
            }
        }
    }
}

/// Without the plain form; looked into, the clone shares it with whoever has it.
impl Clone for Packed {
    fn clone(&self) -> Self {
        let (carried, shared) = (self.carried.clone(), Arc::clone(&self.shared));
        Self { carried, n_plain: self.n_plain, plain: OnceLock::new(), shared }
    }
}

impl Deref for Payload {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        match &self.0 {
            Form::Plain(bytes) => bytes,
            Form::Packed(packed) => packed.plain(),
        }
    }
}

impl<B: Into<Bytes>> From<B> for Payload {
    fn from(plain: B) -> Self {
        Self(Form::Plain(plain.into()))
    }
}

/// The same bytes, kept in the same form.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        (self.carried(), self.kept()) == (other.carried(), other.kept())
    }
}

impl Eq for Payload {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inflate::compress;

    fn packed(plain: &'static [u8]) -> Encoded {
        let encoding = Encoding::Gzip;
        Encoded { encoding, bytes: compress(encoding, plain).unwrap().into() }
    }

    #[test]
    fn a_clone_keeps_the_compressed_bytes_alone() {
        let carried = packed(&[7; 9000]);
        let (n, plain) = (carried.bytes.len() as u64, Bytes::from_static(&[7; 9000]));
        let first = Payload::proven(carried.clone(), plain.clone());
        assert_eq!((first.held_bytes(), first.len()), (n + 9000, 9000));
        let kept = first.clone();
        assert_eq!((kept.held_bytes(), kept.len(), kept.carried()), (n, 9000, Some(&carried)));
        drop(first);
        let (a, b) = (kept.clone(), kept.clone());
        assert_eq!((&a[..], a.as_ptr()), (&plain[..], b.as_ptr()), "inflated once for both");
        assert_eq!((a.held_bytes(), kept.held_bytes()), (n + 9000, n));
        assert_eq!((a, b), (kept.clone(), Payload::restored(carried, 9000)));
        assert!(kept.0.is_alone(), "nobody is left who looked");
    }

    #[test]
    fn what_does_not_inflate_to_its_length_is_empty() {
        let carried = packed(b"a line");
        assert_eq!(&Payload::restored(carried.clone(), 6)[..], b"a line");
        for n in [5, 7] {
            assert!(Payload::restored(carried.clone(), n)[..].is_empty());
        }
        let bytes = Bytes::from_static(b"none");
        assert!(Payload::restored(Encoded { bytes, ..carried }, 6)[..].is_empty());
    }

    impl Form {
        fn is_alone(&self) -> bool {
            let Self::Packed(packed) = self else { return true };
            packed.shared.lock().unwrap().strong_count() == 0
        }
    }
}
