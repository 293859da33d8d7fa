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

fn unusable(error: &KeyError) -> Failure {
    let (exit, hint) = match error {
        KeyError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            (Exit::NotFound, "check the spelling of the path")
        }
        KeyError::Io { .. } => (Exit::Failure, "make the file readable to this user"),
        KeyError::Exposed { .. } => (Exit::Failure, "chmod 600 the file, and ask who read it"),
        KeyError::Form { .. } => (
            Exit::Usage,
            "openssl genpkey -algorithm ed25519 makes a private key, openssl pkey -pubout its public one",
        ),
    };
    Failure::new(exit, chain(error)).hint(hint)
}
