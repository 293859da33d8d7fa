//! The page's files; a path of the page's own router gets `index.html`.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};

use super::assets::Asset;
use crate::problem::{Code, Problem};

const INDEX: &str = "index.html";
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>Nestr</title>\
    <h1>Nestr is running</h1><p>This build has no web page. To build it: \
    <code>cd web &amp;&amp; npm ci &amp;&amp; npm run build</code>, then build <code>nestr</code> again.</p>\
    <p>The API is described at <a href=\"/api/openapi.json\">/api/openapi.json</a>.</p></html>";

/// Serves what no other route does.
pub(crate) async fn serve_page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return Problem::new(Code::NotFound, "there is no such route").into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return Problem::new(Code::MethodNotAllowed, "the page is only read").into_response();
    }
    if let Some(asset) = Asset::find(path) {
        return reply(asset, &headers);
    }
    // A missing file must not read as a page, or a stale page would run HTML as a script.
    if path.starts_with("assets/") {
        return Problem::new(Code::NotFound, "there is no such file").into_response();
    }
    Asset::find(INDEX)
        .map_or_else(|| Html(NOT_BUILT).into_response(), |index| reply(index, &headers))
}

fn reply(asset: &'static Asset, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", &blake3::hash(asset.bytes).to_hex()[..32]);
    let keep = match asset.is_immutable() {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = match known {
        Some(known) if known == etag => StatusCode::NOT_MODIFIED.into_response(),
        _ => asset.bytes.into_response(),
    };
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type()));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        out.insert(header::ETAG, etag);
    }
    response
}
