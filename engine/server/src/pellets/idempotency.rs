//! The key by which a client asks for the same operation once.

use axum::http::HeaderMap;
use serde::Serialize;

use crate::operations::rows::IdempotencyKey;
use crate::problem::{Code, Problem};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const MAX_KEY_BYTES: usize = 255;

/// The key that `headers` name, bound to what is asked for with it.
pub(super) fn idempotency_key(
    headers: &HeaderMap,
    request: &impl Serialize,
) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let refused = || {
        let detail = format!("an Idempotency-Key has 1 to {MAX_KEY_BYTES} visible characters");
        Problem::new(Code::BadRequest, detail)
    };
    let key = value.to_str().map_err(|_| refused())?;
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(refused());
    }
    // The parsed request, so that spacing and order of the body do not matter.
    let canonical =
        serde_json::to_vec(request).map_err(|e| Problem::internal("reading the request", &e))?;
    let request = *blake3::hash(&canonical).as_bytes();
    Ok(Some(IdempotencyKey { key: key.to_owned(), request }))
}
