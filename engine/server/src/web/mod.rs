//! The web page, embedded at build time from `web/dist`.

mod assets;
mod routes;

pub(crate) use routes::serve_page;
