//! Bearer tokens: JWT, HS256, all claims required.

use std::sync::Arc;
use std::time::Duration;

use durable_fs::Clock;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{Secret, hs256};

const PARTY: &str = "nestr";
/// Skew between two machines' clocks that is forgiven.
const LEEWAY: Duration = Duration::from_secs(30);
const MAX_TOKEN_BYTES: usize = 4 * 1024;
const MAX_SUBJECT_BYTES: usize = 128;

/// Makes and checks tokens with one secret.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    clock: Arc<dyn Clock>,
}

/// Why a token was not accepted or made; the text never quotes the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token, not ours, or with a claim missing or of the wrong type.
    #[error("the token is not valid")]
    Invalid,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It was issued later than now.
    #[error("the token was issued in the future; compare the clocks")]
    FromTheFuture,
    /// The subject is empty or longer than 128 bytes.
    #[error("the subject must have 1 to 128 bytes")]
    BadSubject,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: u64,
    exp: u64,
}

impl Tokens {
    /// Tokens signed with `secret`, judged by `clock`.
    #[must_use]
    pub fn new(secret: &Secret, clock: Arc<dyn Clock>) -> Self {
        hs256::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[PARTY]);
        validation.set_audience(&[PARTY]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are judged below by the injected clock.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(secret.bytes()),
            decoding: DecodingKey::from_secret(secret.bytes()),
            validation,
            clock,
        }
    }

    /// A token for `subject` that lasts `ttl`; returns it with its expiry in Unix seconds.
    pub fn create(&self, subject: &str, ttl: Duration) -> Result<(String, u64), TokenError> {
        if subject.is_empty() || subject.len() > MAX_SUBJECT_BYTES {
            return Err(TokenError::BadSubject);
        }
        let now = self.clock.since_epoch().as_secs();
        let exp = now.saturating_add(ttl.as_secs());
        let claims = Claims {
            iss: PARTY.to_owned(),
            aud: PARTY.to_owned(),
            sub: subject.to_owned(),
            iat: now,
            exp,
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(|_| TokenError::Invalid)?;
        Ok((token, exp))
    }

    /// The subject of a token that is valid now.
    pub fn verify(&self, token: &str) -> Result<String, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_| TokenError::Invalid)?
            .claims;
        let now = self.clock.since_epoch();
        if Duration::from_secs(claims.exp).saturating_add(LEEWAY) <= now {
            return Err(TokenError::Expired);
        }
        if Duration::from_secs(claims.iat) > now + LEEWAY {
            return Err(TokenError::FromTheFuture);
        }
        match claims.sub.len() {
            1..=MAX_SUBJECT_BYTES => Ok(claims.sub),
            _ => Err(TokenError::BadSubject),
        }
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
