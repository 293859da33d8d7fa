//! The table of embedded files.

/// A file of the page.
#[derive(Debug)]
pub(super) struct Asset {
    /// Path without leading slash.
    pub(super) path: &'static str,
    pub(super) bytes: &'static [u8],
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

impl Asset {
    /// The file with this path.
    pub(super) fn find(path: &str) -> Option<&'static Self> {
        ASSETS.binary_search_by(|asset| asset.path.cmp(path)).ok().and_then(|at| ASSETS.get(at))
    }

    /// Whether its name changes with its content, so that it may be kept for ever.
    pub(super) fn is_immutable(&self) -> bool {
        self.path.starts_with("assets/")
    }

    /// Its media type, by the ending of its name.
    pub(super) fn content_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("html") => "text/html; charset=utf-8",
            Some("js" | "mjs") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("ico") => "image/x-icon",
            Some("json") => "application/json",
            Some("webmanifest") => "application/manifest+json",
            Some("woff2") => "font/woff2",
            Some("txt") => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }
}
