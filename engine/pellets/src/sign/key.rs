//! Keys by file: PEM, as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// The most bytes of a key file.
const MAX_LEN: u64 = 16 << 10;

/// What stands before the 32 bytes of an ed25519 key in its `SubjectPublicKeyInfo` (RFC 8410).
const PUBLIC_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A private key; never shown.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: [u8; 32],
}

/// A public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey([u8; 32]);

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("cannot read the key {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read a private key.
    #[error("the private key {} is open to others: its mode is {mode:04o}, not 0600", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds no such key.
    #[error("{} holds no ed25519 {what} in PEM", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// The key that is asked for.
        what: &'static str,
    },
}

impl SigningKey {
    /// Reads a private key: PKCS#8 in PEM, readable by its owner alone.
    ///
    /// # Errors
    /// Any [`KeyError`].
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let (text, mode) = read(path)?;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.to_owned(), mode });
        }
        let what = "private key";
        let form = || KeyError::Form { path: path.to_owned(), what };
        let der = pem(&text, "PRIVATE KEY").ok_or_else(form)?;
        // OpenSSL writes the first version of PKCS#8, which has no public key to compare with.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| form())?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| form())?;
        Ok(Self { pair, public })
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub fn verifying(&self) -> VerifyingKey {
        VerifyingKey(self.public)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl VerifyingKey {
    /// Reads a public key in PEM.
    ///
    /// # Errors
    /// Any [`KeyError`] but [`KeyError::Exposed`].
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let form = || KeyError::Form { path: path.to_owned(), what: "public key" };
        let (text, _) = read(path)?;
        let der = pem(&text, "PUBLIC KEY").ok_or_else(form)?;
        let key = der.strip_prefix(&PUBLIC_PREFIX).ok_or_else(form)?;
        key.try_into().map(Self).map_err(|_| form())
    }

    /// The key of 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut key = [0; 32];
        hex::decode_to_slice(text, &mut key).ok()?;
        Some(Self(key))
    }

    pub(super) fn admits(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

/// The text of a key file and its permission bits.
fn read(path: &Path) -> Result<(String, u32), KeyError> {
    let failed = |source| KeyError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
    let mut text = String::new();
    file.take(MAX_LEN).read_to_string(&mut text).map_err(failed)?;
    Ok((text, mode))
}

/// The bytes of the first PEM block of this label.
fn pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let (_, rest) = text.split_once(&begin)?;
    let (body, _) = rest.split_once(&end)?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok()
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.verifying())
    }
}
