//! Who may call: bearer tokens signed with the Engine's own secret, and one-use WebSocket tickets.
//!
//! # Invariants
//! 1. A token is accepted only with algorithm HS256, the Engine's secret, and all of `iss`, `aud`, `sub`, `iat`, `exp`.
//! 2. There is no default secret; the first start draws one and keeps it with mode 0600.
//! 3. Neither token, ticket nor secret ever stands in a log line, a span, an error or a URL.
//!
//! # Not here
//! Users and roles: whoever holds the secret may do everything.

mod hs256;
mod layer;
mod routes;
mod secret;
mod tickets;
mod token;

pub use secret::{Secret, SecretError};
pub use token::{TokenError, Tokens};

pub(crate) use layer::{Caller, identify, require_token};
pub(crate) use routes::{__path_create_ws_ticket, create_ws_ticket};
pub(crate) use tickets::Tickets;
