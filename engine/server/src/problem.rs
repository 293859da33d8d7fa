//! Problem details (RFC 9457): every refusal and failure a client sees.
//!
//! # Invariants
//! 1. A code, once shipped, keeps its slug, its `type` URI and its meaning.
//! 2. A problem never carries a secret or the text of an internal error; those go to the log.
//! 3. `trace_id` and `instance` are filled by [`crate::http::trace`], so that no handler can forget them.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nestr_events::EventError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Media type of a problem.
pub(crate) const CONTENT_TYPE: &str = "application/problem+json";

/// The stable code of a problem; its slug ends the `type` URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The path is not beneath a configured root.
    PathOutsideRoots,
    /// Nothing is there.
    PathNotFound,
    /// A file disappeared while it was packed.
    PathVanished,
    /// A file changed while it was packed.
    PathChanged,
    /// The operating system denied access.
    PermissionDenied,
    /// The disk is full.
    NoSpace,
    /// No valid token or ticket came with the request.
    Unauthenticated,
    /// The request cannot be understood.
    BadRequest,
    /// There is no such thing.
    NotFound,
    /// The route exists, the method does not.
    MethodNotAllowed,
    /// The body is larger than accepted.
    TooLarge,
    /// The request contradicts an earlier one.
    Conflict,
    /// Too many requests.
    RateLimited,
    /// Perch does not answer.
    PerchAbsent,
    /// The Engine ended while the operation ran.
    Interrupted,
    /// A fault of the Engine.
    Internal,
    /// The `Host` header is not one of this Engine's names.
    MisdirectedHost,
    /// The body has a type this route does not take.
    UnsupportedMediaType,
    /// The request took too long.
    TimedOut,
    /// A Pellet is not as it was packed.
    VerificationFailed,
    /// Somebody asked that the operation end.
    Cancelled,
}

/// A problem as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: Box<str>,
    /// The kind of problem in a few words; the same for every occurrence.
    pub title: Box<str>,
    /// HTTP status code.
    pub status: u16,
    /// What happened, to what, and why.
    pub detail: Box<str>,
    /// The request or operation in which it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub instance: Option<Box<str>>,
    /// Stable code for programs.
    pub code: Code,
    /// Stable code of what exactly is wrong, where `code` covers several things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<Box<str>>,
    /// Trace in which it happened, 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub trace_id: Option<Box<str>>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hint: Option<Box<str>>,
}

impl Code {
    const ALL: [Self; 21] = [
        Self::PathOutsideRoots,
        Self::PathNotFound,
        Self::PathVanished,
        Self::PathChanged,
        Self::PermissionDenied,
        Self::NoSpace,
        Self::Unauthenticated,
        Self::BadRequest,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::Conflict,
        Self::RateLimited,
        Self::PerchAbsent,
        Self::Interrupted,
        Self::Internal,
        Self::MisdirectedHost,
        Self::UnsupportedMediaType,
        Self::TimedOut,
        Self::VerificationFailed,
        Self::Cancelled,
    ];

    /// Slug, status, title and the usual hint.
    const fn facts(self) -> (&'static str, u16, &'static str, Option<&'static str>) {
        match self {
            Self::PathOutsideRoots => (
                "path-outside-roots",
                403,
                "Path outside the roots",
                Some("start the Engine with `--root DIR`, or add DIR to `roots` in nestr.yaml"),
            ),
            Self::PathNotFound => ("path-not-found", 404, "Path not found", None),
            Self::PathVanished => (
                "path-vanished",
                409,
                "A file vanished while it was packed",
                Some("stop what changes the tree, then pack it again"),
            ),
            Self::PathChanged => (
                "path-changed",
                409,
                "A file changed while it was packed",
                Some("stop what changes the tree, then pack it again"),
            ),
            Self::PermissionDenied => (
                "permission-denied",
                403,
                "Permission denied",
                Some("let the Engine's user read the whole tree"),
            ),
            Self::NoSpace => (
                "no-space",
                507,
                "No space left",
                Some("free space in the Pellet store, then try again"),
            ),
            Self::Unauthenticated => (
                "unauthenticated",
                401,
                "Not signed in",
                Some("make a token with `nestr token create`"),
            ),
            Self::BadRequest => ("bad-request", 400, "Bad request", None),
            Self::NotFound => ("not-found", 404, "Not found", None),
            Self::MethodNotAllowed => ("method-not-allowed", 405, "Method not allowed", None),
            Self::TooLarge => ("too-large", 413, "Too large", None),
            Self::Conflict => ("conflict", 409, "Conflict", None),
            Self::RateLimited => {
                ("rate-limited", 429, "Too many requests", Some("wait, then try again"))
            }
            Self::PerchAbsent => (
                "perch-absent",
                503,
                "Perch does not answer",
                Some("start it with `perch up`, or set `perch.url`"),
            ),
            Self::Interrupted => {
                ("interrupted", 503, "The operation was interrupted", Some("start it again"))
            }
            Self::Internal => (
                "internal",
                500,
                "Internal error",
                Some("look for the trace id in the Engine's log"),
            ),
            Self::MisdirectedHost => (
                "misdirected-host",
                421,
                "Unknown host name",
                Some("add the name to `server.allowed_hosts` in nestr.yaml"),
            ),
            Self::UnsupportedMediaType => {
                ("unsupported-media-type", 415, "Unsupported media type", None)
            }
            Self::TimedOut => ("timed-out", 408, "Timed out", Some("try again")),
            Self::VerificationFailed => (
                "verification-failed",
                422,
                "The Pellet is not as it was packed",
                Some("take it from another place or pack the tree again"),
            ),
            // The status that google.rpc maps CANCELLED to; HTTP itself has none.
            Self::Cancelled => (
                "cancelled",
                499,
                "The operation was cancelled",
                Some("start it again when wanted"),
            ),
        }
    }

    /// The slug, as in the `type` URI and in `code`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        self.facts().0
    }

    /// The kind of problem in a few words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.facts().2
    }

    /// The code with this slug.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.slug() == slug)
    }

    /// The HTTP status it is answered with.
    #[must_use]
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.facts().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl Problem {
    /// A problem of this kind; `detail` says what happened, to what, and why.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let (slug, status, title, hint) = code.facts();
        Self {
            kind: Self::type_of(slug).into(),
            title: title.into(),
            status,
            detail: detail.into().into(),
            instance: None,
            code,
            reason: None,
            trace_id: None,
            hint: hint.map(Box::from),
        }
    }

    /// The `type` URI that a slug ends.
    #[must_use]
    pub fn type_of(slug: &str) -> String {
        format!("https://nestr.dev/problems/{slug}")
    }

    /// Replaces the usual hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Box<str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what exactly is wrong.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Names the trace in which it happened.
    #[must_use]
    pub fn in_trace(mut self, trace_id: Option<String>) -> Self {
        self.trace_id = trace_id.map(String::into_boxed_str);
        self
    }

    /// Logs `error` and tells the client only that the Engine failed at `what`.
    pub(crate) fn internal(what: &'static str, error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "{what} failed");
        Self::new(Code::Internal, format!("{what} failed"))
    }

    /// The log of events failed at `what`: a disk that is full is told, all else as [`Problem::internal`].
    pub(crate) fn in_log(what: &'static str, error: &EventError) -> Self {
        match error {
            EventError::Full => Self::new(Code::NoSpace, format!("{what} failed: {error}"))
                .hint("free space on the file system of the Engine's state folder, then try again"),
            _ => Self::internal(what, error),
        }
    }

    /// The response, without looking at extensions.
    pub(crate) fn render(&self) -> Response {
        let mut response = (self.code.status(), Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.code {
            Code::Unauthenticated => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"nestr\""),
                );
            }
            Code::RateLimited | Code::PerchAbsent => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.slug(), self.detail)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.render();
        response.extensions_mut().insert(self);
        response
    }
}

/// An error and its causes, as the detail of a problem.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_match_their_json_form_and_come_back() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.slug());
            assert_eq!(Code::from_slug(code.slug()), Some(code));
        }
    }

    #[test]
    fn every_status_is_an_error() {
        for code in Code::ALL {
            assert!(code.status().as_u16() >= 400, "{code:?}");
        }
    }
}
