//! What every HTTP exchange goes through: connections, host names, spans, limits, and parsing.

pub(crate) mod body;
pub(crate) mod headers;
pub(crate) mod hosts;
pub(crate) mod limits;
pub(crate) mod query;
pub(crate) mod serve;
pub(crate) mod trace;
