//! Signing a sidecar, and judging the signature of one.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use super::head::head;
use super::key::{SigningKey, VerifyingKey};
use crate::read::ReadError;
use crate::sidecar::{Sidecar, SidecarEntry};

/// Separates what is signed here from everything else the key may sign.
const DOMAIN: &[u8] = b"nestr.pellet.signature.v1\n";

const ALGORITHM: &str = "ed25519";

/// The signature of a Pellet, as its sidecar holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SidecarSignature {
    /// `ed25519`.
    pub algorithm: String,
    /// The public key, 64 hexadecimal digits; only a hint at which key to verify with.
    pub key: String,
    /// 128 hexadecimal digits.
    pub value: String,
}

/// Signs a sidecar that is complete but for this; `entries` are its entries.
pub(crate) fn sign<E>(
    sidecar: &Sidecar<E>,
    entries: impl ExactSizeIterator<Item: Borrow<SidecarEntry>>,
    key: &SigningKey,
) -> SidecarSignature {
    SidecarSignature {
        algorithm: ALGORITHM.to_owned(),
        key: key.verifying().to_string(),
        value: hex::encode(key.sign(&message(sidecar, entries))),
    }
}

/// Judges the signature of a sidecar: by `key` where that is given, which refuses one without a
/// signature; else by the key that it names itself, which proves only that nothing was damaged since.
///
/// # Errors
/// `signature-missing` and `signature-wrong`.
pub(crate) fn authenticate(sidecar: &Sidecar, key: Option<&VerifyingKey>) -> Result<(), ReadError> {
    let wrong = |what: &str| Err(ReadError::damaged("signature-wrong", what));
    let Some(signature) = &sidecar.signature else {
        return match key {
            None => Ok(()),
            Some(_) => {
                let what = "the pellet is not signed";
                Err(ReadError::damaged("signature-missing", what))
            }
        };
    };
    if signature.algorithm != ALGORITHM {
        return wrong("the signature is of an unknown kind");
    }
    let named = VerifyingKey::from_hex(&signature.key);
    let Some(key) = key.copied().or(named) else {
        return wrong("the signature names no key");
    };
    let value = hex::decode(&signature.value).unwrap_or_default();
    if key.admits(&message(sidecar, sidecar.entries.iter()), &value) {
        return Ok(());
    }
    let what = "the signature is not that of the key over this pellet";
    let found = named.filter(|named| *named != key);
    let error = ReadError::damaged("signature-wrong", what);
    Err(match found {
        Some(named) => error.instead(format!("key {key}"), format!("key {named}")),
        None => error,
    })
}

fn message<E>(
    sidecar: &Sidecar<E>,
    entries: impl ExactSizeIterator<Item: Borrow<SidecarEntry>>,
) -> Vec<u8> {
    let parts = [&sidecar.digest, &sidecar.tree, &head(sidecar, entries)];
    let mut message = DOMAIN.to_vec();
    parts.iter().for_each(|part| message.extend_from_slice(part.as_bytes()));
    message
}
