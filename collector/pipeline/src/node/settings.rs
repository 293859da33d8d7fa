//! Settings that exporters share: where to, with which headers, and never in the clear by mistake.

use std::collections::BTreeMap;

use crate::config::{At, Finding};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

/// `tls` as far as it is understood: only that there shall be none.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawTls {
    insecure: bool,
}

/// Whether plain text was asked for in so many words.
pub fn plain(tls: Option<RawTls>) -> bool {
    tls.is_some_and(|tls| tls.insecure)
}

/// Plain text only where it is asked for in so many words: a configuration that means TLS must
/// never send in the clear.
pub fn with_scheme(endpoint: String, plain: bool, at: At) -> Result<String, Finding> {
    if endpoint.starts_with("http://") {
        return Ok(endpoint);
    }
    if endpoint.starts_with("https://") {
        return Err(Finding::new(at, "TLS towards a backend is not spoken here")
            .hint("send to a local http:// endpoint"));
    }
    if endpoint.contains("://") {
        let scheme = endpoint.split("://").next().unwrap_or_default();
        return Err(Finding::new(at, format!("the scheme `{scheme}` is not spoken here"))
            .hint("write http://HOST:PORT"));
    }
    if !plain {
        return Err(Finding::new(
            at,
            "an endpoint without a scheme means TLS, which is not spoken here",
        )
        .hint(format!("write http://{endpoint}, or add tls: {{insecure: true}}")));
    }
    Ok(format!("http://{endpoint}"))
}

/// Headers as they are sent; their values never reach a log.
pub fn headers(
    raw: BTreeMap<String, String>,
    at: At,
) -> Result<Vec<(HeaderName, HeaderValue)>, Finding> {
    raw.into_iter().map(|(name, value)| header(&name, &value, at)).collect()
}

fn header(name: &str, value: &str, at: At) -> Result<(HeaderName, HeaderValue), Finding> {
    let fault = |what: &str| Finding::new(at, format!("{what} of header `{name}` cannot be sent"));
    let parsed: HeaderName = name.parse().map_err(|_| fault("the name"))?;
    let mut value = HeaderValue::from_str(value).map_err(|_| fault("the value"))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}
