//! `POST /api/pellets/{digest}/restore` and `…/verify`: judge the request, begin the operation, reply.

use std::path::{Path as FsPath, PathBuf};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use nestr_pellets::{Digest, RawPath, RestoreOptions, VerifyOptions, VerifyingKey};
use nestr_telemetry::names::{Outcome, attr, span};
use serde_json::json;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::job::{self, Job, Restore, Work};
use super::model::RestoreRequest;
use crate::app::Shared;
use crate::auth::Caller;
use crate::http::body::JsonBody;
use crate::operations::rows::IdempotencyKey;
use crate::operations::{self, Asked, Operation, OperationKind, Refused};
use crate::pellets::SUBJECT;
use crate::pellets::idempotency::idempotency_key;
use crate::pellets::problems::parse_digest;
use crate::pellets::sidecar;
use crate::problem::{Code, Problem};

/// The most keys that a request may name.
const MAX_KEYS: usize = 16;

/// Brings a Pellet back.
#[utoipa::path(post, path = "/api/pellets/{digest}/restore", tag = "pellets", operation_id = "restorePellet",
    params(("digest" = String, Path, description = "64 hexadecimal digits"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters")),
    request_body = RestoreRequest,
    responses((status = 202, description = "Restoring has begun", body = Operation,
        headers(("Location" = String, description = "Where the operation can be asked for")))))]
pub(crate) async fn restore_pellet(
    State(app): State<Shared>,
    Caller(actor): Caller,
    Path(digest): Path<String>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<RestoreRequest>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &("restore", &digest, &request))?;
    let asked = digest.clone();
    let span = tracing::info_span!(span::PELLET_RESTORE);
    span.set_attribute(attr::NESTR_PELLET_DIGEST, digest.clone());
    span.set_attribute(attr::NESTR_PELLET_TARGET, request.target.clone());
    let judge = async {
        if request.verify_build && !app.verify_build {
            let what = "this Engine does not run the tools of a tree";
            let hint = "set `pellets.verify_build`, or run `nestr pellet restore --verify-build`";
            return Err(Problem::new(Code::BadRequest, what).hint(hint));
        }
        let keys = trusted(&app, &request.trusted_keys)?;
        let digest = parse_digest(&digest)?;
        let stored = sidecar::stored(&app, &digest).await?;
        let target = target(&app, &request.target).await?;
        let options = RestoreOptions {
            only: request.only.as_ref().map(|only| RawPath::from(FsPath::new(only))),
            replace: request.replace,
            sync: request.sync,
            strict: request.strict,
            keys,
            threads: app.pack_threads,
            sidecar: Some(stored.sidecar),
            ..RestoreOptions::new(stored.archive, target)
        };
        let verify_build = request.verify_build;
        Ok((digest, Work::Restore(Box::new(Restore { options, verify_build }))))
    };
    let asked = Request {
        kind: OperationKind::PelletRestore,
        outcome: |app, outcome| app.instruments.pellet_restored(outcome, Duration::ZERO),
        digest: &asked,
        path: Some(&request.target),
    };
    begin(&app, &actor, key, asked, judge, &span).await
}

/// Compares a Pellet with its digests.
#[utoipa::path(post, path = "/api/pellets/{digest}/verify", tag = "pellets", operation_id = "verifyPellet",
    params(("digest" = String, Path, description = "64 hexadecimal digits"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters")),
    responses((status = 202, description = "Verifying has begun; with findings it ends as `verification-failed`", body = Operation,
        headers(("Location" = String, description = "Where the operation can be asked for")))))]
pub(crate) async fn verify_pellet(
    State(app): State<Shared>,
    Caller(actor): Caller,
    Path(digest): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &("verify", &digest))?;
    let asked = digest.clone();
    let span = tracing::info_span!(span::PELLET_VERIFY);
    span.set_attribute(attr::NESTR_PELLET_DIGEST, digest.clone());
    let judge = async {
        let digest = parse_digest(&digest)?;
        let stored = sidecar::stored(&app, &digest).await?;
        let options = VerifyOptions {
            expected: Some(digest),
            sidecar: stored.sidecar,
            threads: app.pack_threads,
            ..VerifyOptions::new(stored.archive)
        };
        Ok((digest, Work::Verify(Box::new(options))))
    };
    let asked = Request {
        kind: OperationKind::PelletVerify,
        outcome: |app, outcome| app.instruments.pellet_verified(outcome, Duration::ZERO),
        digest: &asked,
        path: None,
    };
    begin(&app, &actor, key, asked, judge, &span).await
}

/// What a refusal says of the request.
struct Request<'a> {
    kind: OperationKind,
    /// Counts it.
    outcome: fn(&Shared, Outcome),
    digest: &'a str,
    /// The target of a restore.
    path: Option<&'a str>,
}

async fn begin(
    app: &Shared,
    actor: &str,
    key: Option<IdempotencyKey>,
    asked: Request<'_>,
    judge: impl Future<Output = Result<(Digest, Work), Problem>>,
    span: &Span,
) -> Result<Response, Problem> {
    let begun = async {
        let (digest, work) = judge.await?;
        start(app, actor, key, digest, work, span).await
    };
    let begun = begun.instrument(span.clone()).await;
    let data = json!({"digest": asked.digest, "path": asked.path});
    let refused = Refused { kind: asked.kind, subject: SUBJECT, data };
    let count = || (asked.outcome)(app, Outcome::Refused);
    operations::reply(app, actor, span, begun, count, refused).await
}

async fn start(
    app: &Shared,
    actor: &str,
    key: Option<IdempotencyKey>,
    digest: Digest,
    work: Work,
    span: &Span,
) -> Result<Operation, Problem> {
    let place = app.jobs.admit()?;
    let asked = Asked {
        kind: work.kind(),
        word: work.word(),
        actor,
        source: work.subject(&digest),
        key,
        span,
    };
    let (operation, underway) = operations::begin(app, asked).await?;
    let Some(underway) = underway else { return Ok(operation) };
    tracing::info!(operation = %underway.id, %digest, "{} was asked for", work.word());
    let started = app.clock.monotonic();
    let job = Job { operation: underway, digest, work, place, started };
    app.jobs.tasks.spawn(job::run(app.clone(), job).instrument(span.clone()));
    Ok(operation)
}

/// The keys of which one must have signed the Pellet: those that the request names, but none that the Engine
/// does not trust where it trusts certain ones alone.
fn trusted(app: &Shared, asked: &[String]) -> Result<Vec<VerifyingKey>, Problem> {
    if asked.len() > MAX_KEYS {
        let what = format!("`trusted_keys` has more than {MAX_KEYS}");
        return Err(Problem::new(Code::BadRequest, what));
    }
    let wrong = || Problem::new(Code::BadRequest, "a key has 64 lower-case hexadecimal digits");
    let asked: Result<Vec<_>, _> =
        asked.iter().map(|key| VerifyingKey::from_hex(key).ok_or_else(wrong)).collect();
    let asked = asked?;
    if asked.is_empty() || app.trusted_keys.is_empty() {
        return Ok([asked, app.trusted_keys.clone()].concat());
    }
    let both: Vec<_> = asked.into_iter().filter(|key| app.trusted_keys.contains(key)).collect();
    if both.is_empty() {
        let what = "this Engine trusts none of the keys that were asked for";
        return Err(Problem::new(Code::VerificationFailed, what));
    }
    Ok(both)
}

/// The target by the real path of its folder, which must lie beneath a root.
async fn target(app: &Shared, target: &str) -> Result<PathBuf, Problem> {
    let target = PathBuf::from(target);
    let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(Problem::new(Code::BadRequest, "`target` has no name of its own"));
    };
    let (folder, name, roots) = (folder.to_owned(), name.to_owned(), app.roots.clone());
    let judge = move || {
        let target = roots.admit(&folder)?.join(name);
        roots.assert_apart(&target).map(|()| target)
    };
    tokio::task::spawn_blocking(judge)
        .await
        .map_err(|e| Problem::internal("judging the target", &e))?
}
