//! `nestr token create`.

use std::sync::Arc;

use durable_fs::{DiskFs, SystemClock};
use nestr_server::{Secret, Tokens};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::TokenArgs;
use crate::failure::{Exit, Failure, chain};
use crate::{output, setup};

/// Prints a token; the secret is drawn first where the state folder has none.
pub(crate) fn run(args: &TokenArgs) -> Result<(), Failure> {
    let config = setup::load(setup::sources(&args.source)?)?;
    let secret = Secret::load_or_create(&DiskFs, &config.state_dir).map_err(|e| {
        Failure::new(Exit::Failure, "secret-unusable", chain(&e)).hint("name another --state-dir")
    })?;
    let tokens = Tokens::new(&secret, Arc::new(SystemClock::new()));
    let (token, exp) = tokens.create(&args.subject, args.ttl).map_err(|e| Failure::of(&e))?;
    if !args.json {
        return output::line(&token);
    }
    let expires = i64::try_from(exp).ok().and_then(|t| OffsetDateTime::from_unix_timestamp(t).ok());
    let expires_at = expires.and_then(|t| t.format(&Rfc3339).ok());
    let shown = json!({"token": token, "subject": args.subject, "expires_at": expires_at});
    output::line(&shown.to_string())
}
