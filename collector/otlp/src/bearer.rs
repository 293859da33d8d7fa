//! Bearer tokens: whether a request has one of those that are known, and which one to bear.

use std::fmt;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use crate::tls::{Reloading, TlsError};

/// Tokens that let a request in, or the one that is sent; clones are one.
#[derive(Clone)]
pub struct BearerTokens(Source);

#[derive(Clone)]
enum Source {
    Given(Arc<Vec<Vec<u8>>>),
    File(Arc<Reloading<Vec<Vec<u8>>>>),
}

impl BearerTokens {
    /// These tokens; empty ones let nobody in.
    #[must_use]
    pub fn of(tokens: impl IntoIterator<Item = String>) -> Self {
        Self(Source::Given(Arc::new(tokens.into_iter().map(String::into_bytes).collect())))
    }

    /// The tokens of a file, one a line; looked at again after `reload_interval`, so that a token can be
    /// exchanged: two stand in the file until every sender has the new one.
    pub fn load(file: PathBuf, reload_interval: Option<Duration>) -> Result<Self, TlsError> {
        let path = file.clone();
        let make = move |contents: &[Vec<u8>]| {
            let lines = contents.iter().flat_map(|content| content.split(|byte| *byte == b'\n'));
            let tokens: Vec<_> = lines
                .map(|line| line.trim_ascii().to_vec())
                .filter(|token| !token.is_empty())
                .collect();
            let empty = || TlsError::Empty { path: path.clone(), what: "token" };
            (!tokens.is_empty()).then_some(tokens).ok_or_else(empty)
        };
        let reloading = Reloading::load(vec![file], reload_interval, make)?;
        Ok(Self(Source::File(Arc::new(reloading))))
    }

    /// Whether `headers` bear one of the tokens.
    pub fn admit(&self, headers: &HeaderMap) -> bool {
        let Some(borne) = borne(headers) else { return false };
        let is_one_of = |tokens: &Vec<Vec<u8>>| {
            // All are compared, so that the time does not tell which came close.
            tokens.iter().fold(false, |found, token| found | is_same(token, borne))
        };
        match &self.0 {
            Source::Given(tokens) => is_one_of(tokens),
            Source::File(file) => is_one_of(&file.current()),
        }
    }

    /// The value of `Authorization` that bears the first of the tokens; `None` where that cannot be sent.
    #[must_use]
    pub fn to_header(&self) -> Option<HeaderValue> {
        match &self.0 {
            Source::Given(tokens) => header(tokens),
            Source::File(file) => header(&file.current()),
        }
    }
}

fn header(tokens: &[Vec<u8>]) -> Option<HeaderValue> {
    let value = [b"Bearer ", tokens.first()?.as_slice()].concat();
    let mut value = HeaderValue::from_bytes(&value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn borne(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// Compares in a time that depends on lengths alone.
fn is_same(known: &[u8], borne: &[u8]) -> bool {
    let differs = known.iter().zip(borne).fold(0, |differs, (a, b)| black_box(differs | (a ^ b)));
    differs == 0 && known.len() == borne.len() && !known.is_empty()
}

/// Without the tokens.
impl fmt::Debug for BearerTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerTokens").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(tokens: &BearerTokens, values: &[&'static str]) -> bool {
        let headers = values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_static(value)));
        tokens.admit(&headers.collect())
    }

    #[test]
    fn only_a_known_token_lets_in() {
        let tokens = BearerTokens::of(["secret".to_owned(), "other".to_owned(), String::new()]);
        for good in ["Bearer secret", "bearer other", "BEARER  secret "] {
            assert!(admits(&tokens, &[good]), "{good}");
        }
        for bad in
            ["Bearer secre", "Bearer secrets", "Bearer ", "Bearer", "Basic secret", "secret", ""]
        {
            assert!(!admits(&tokens, &[bad]), "{bad}");
        }
        assert!(!admits(&tokens, &[]));
        assert!(!admits(&tokens, &["Bearer secret", "Bearer wrong"]), "which one would count?");
        assert!(!admits(&BearerTokens::of([]), &["Bearer "]));
    }

    #[test]
    fn a_file_of_tokens_may_change() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens");
        assert!(BearerTokens::load(file.clone(), None).is_err());
        std::fs::write(&file, "\n").unwrap();
        assert!(BearerTokens::load(file.clone(), None).is_err());
        std::fs::write(&file, "old\n").unwrap();
        let tokens = BearerTokens::load(file.clone(), Some(Duration::ZERO)).unwrap();
        assert!(admits(&tokens, &["Bearer old"]));
        assert_eq!(tokens.to_header().unwrap(), "Bearer old");
        assert!(!format!("{tokens:?} {:?}", tokens.to_header()).contains("old"));
        std::fs::write(&file, "old\r\n new \n").unwrap();
        assert!(admits(&tokens, &["Bearer old"]) && admits(&tokens, &["Bearer new"]));
        std::fs::write(&file, "").unwrap();
        assert!(admits(&tokens, &["Bearer new"]), "an empty file is a mistake, not an order");
        std::fs::write(&file, "newest").unwrap();
        assert!(!admits(&tokens, &["Bearer new"]) && admits(&tokens, &["Bearer newest"]));
        assert_eq!(tokens.to_header().unwrap(), "Bearer newest");
    }
}
