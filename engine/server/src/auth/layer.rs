//! Lets only requests with a valid bearer token pass, and tells handlers whose it is.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::Shared;
use crate::problem::{Code, Problem};

/// The subject of the token a request came with.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) String);

/// Middleware in front of every route that is not public.
pub(crate) async fn require_token(
    State(app): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    match identify(&app, request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Whose token stands in the `Authorization` header.
pub(crate) fn identify(app: &Shared, headers: &HeaderMap) -> Result<Caller, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Problem::new(Code::Unauthenticated, "one Authorization header is required"));
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let Some(token) = token else {
        let detail = "the Authorization header is not `Bearer TOKEN`";
        return Err(Problem::new(Code::Unauthenticated, detail));
    };
    app.tokens
        .verify(token)
        .map(Caller)
        .map_err(|e| Problem::new(Code::Unauthenticated, e.to_string()))
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let refused = || Problem::new(Code::Unauthenticated, "this route needs a token");
        parts.extensions.get::<Self>().cloned().ok_or_else(refused)
    }
}
