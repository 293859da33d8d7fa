//! Keys that the command line names by file.

use std::path::Path;

use nestr_pellets::{KeyError, SigningKey, VerifyingKey};

use crate::failure::{Exit, Failure, chain};

/// The private key to sign with.
pub(crate) fn signing(path: &Path) -> Result<SigningKey, Failure> {
    SigningKey::read(path).map_err(|e| unusable(&e))
}

/// The public key to verify with.
pub(crate) fn verifying(path: &Path) -> Result<VerifyingKey, Failure> {
    VerifyingKey::read(path).map_err(|e| unusable(&e))
}

/// A key that cannot be used, as a failed command.
pub(crate) fn unusable(error: &KeyError) -> Failure {
    let (exit, code, hint) = match error {
        KeyError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            (Exit::NotFound, "key-not-found", "check the spelling of the path")
        }
        KeyError::Io { .. } => {
            (Exit::Failure, "key-unreadable", "make the file readable to this user")
        }
        KeyError::Exposed { .. } => {
            (Exit::Failure, "key-exposed", "chmod 600 the file, and ask who read it")
        }
        KeyError::Form { .. } => (
            Exit::Usage,
            "key-malformed",
            "openssl genpkey -algorithm ed25519 makes a private key, openssl pkey -pubout its public one",
        ),
    };
    Failure::new(exit, code, chain(error)).hint(hint)
}
