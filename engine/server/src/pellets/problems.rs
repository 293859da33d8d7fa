//! Failures of the Pellet library as clients see them.

use nestr_pellets::{Digest, ErrorKind, PackError, ReadError, ReadErrorKind};

use crate::problem::{Code, Problem, chain};

/// The digest that a client named.
pub(super) fn parse_digest(text: &str) -> Result<Digest, Problem> {
    text.parse().map_err(|e| Problem::new(Code::BadRequest, format!("{e}")))
}

/// What a client named is not there.
pub(super) fn no_pellet(digest: &Digest) -> Problem {
    Problem::new(Code::NotFound, format!("there is no pellet {digest}"))
}

/// A failed packing as clients see it.
pub(super) fn pack_problem(error: &PackError) -> Problem {
    let code = match error.kind() {
        ErrorKind::PathNotFound => Code::PathNotFound,
        ErrorKind::NotADirectory => Code::BadRequest,
        ErrorKind::PathVanished => Code::PathVanished,
        ErrorKind::PathChanged => Code::PathChanged,
        ErrorKind::PermissionDenied => Code::PermissionDenied,
        ErrorKind::NoSpace => Code::NoSpace,
        ErrorKind::Cancelled => Code::Cancelled,
        ErrorKind::Internal => Code::Internal,
    };
    Problem::new(code, chain(error)).hint(error.hint())
}

/// A failed reading as clients see it.
pub(super) fn read_problem(error: &ReadError) -> Problem {
    let code = match error.kind() {
        ReadErrorKind::NotFound if error.code() == "path-not-found" => Code::PathNotFound,
        ReadErrorKind::NotFound => Code::NotFound,
        ReadErrorKind::Damaged | ReadErrorKind::Refused => Code::VerificationFailed,
        ReadErrorKind::TooLarge => Code::TooLarge,
        ReadErrorKind::TargetExists | ReadErrorKind::Unsupported => Code::Conflict,
        ReadErrorKind::PermissionDenied => Code::PermissionDenied,
        ReadErrorKind::NoSpace => Code::NoSpace,
        ReadErrorKind::Cancelled => Code::Cancelled,
        ReadErrorKind::Internal => Code::Internal,
    };
    let problem = Problem::new(code, chain(error)).hint(error.hint());
    match error.code() == code.slug() {
        true => problem,
        false => problem.reason(error.code()),
    }
}
