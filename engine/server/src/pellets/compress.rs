//! `POST /api/pellets/compress`: judges the request, begins the operation, replies.

use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nestr_pellets::{Digest, PelletName, Profile};
use nestr_telemetry::names::{Outcome, attr, span};
use serde::Serialize;
use serde_json::json;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::job::{self, Job};
use super::model::CompressRequest;
use super::rows as pellet_rows;
use crate::app::Shared;
use crate::auth::Caller;
use crate::http::body::JsonBody;
use crate::operations::rows::{self, Begun, IdempotencyKey, NewOperation};
use crate::operations::{self, Operation, OperationId, OperationKind, Underway};
use crate::problem::{Code, Problem};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const MAX_KEY_BYTES: usize = 255;

/// A request whose every part was judged.
#[derive(Debug, Clone)]
pub(super) struct Admitted {
    /// The real path.
    pub(super) source: PathBuf,
    pub(super) name: PelletName,
    pub(super) profile: Profile,
    /// The Pellet to pack a delta against.
    pub(super) delta_of: Option<Digest>,
}

/// Packs a directory into a Pellet.
#[utoipa::path(post, path = "/api/pellets/compress", tag = "pellets", operation_id = "compressPellet",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 255 visible characters; the same key with the same body gives the same operation for a day")),
    request_body = CompressRequest,
    responses((status = 202, description = "Packing has begun", body = Operation,
        headers(("Location" = String, description = "Where the operation can be asked for")))))]
pub(crate) async fn compress_pellet(
    State(app): State<Shared>,
    Caller(actor): Caller,
    headers: HeaderMap,
    JsonBody(request): JsonBody<CompressRequest>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &request)?;
    let span = tracing::info_span!(span::PELLET_COMPRESS);
    span.set_attribute(attr::NESTR_PELLET_SOURCE, request.path.clone());
    let begun = begin(&app, &actor, key, &request, &span).instrument(span.clone()).await;
    let operation = match begun {
        Ok(operation) => operation,
        Err(problem) => {
            let problem = problem.in_trace(nestr_telemetry::trace_id_of(&span));
            app.instruments.pellet_compressed(Outcome::Refused, std::time::Duration::ZERO);
            let data = json!({"path": request.path});
            let subject = "pellets".to_owned();
            operations::record_refusal(&app, &actor, subject, &span, &problem, data)
                .instrument(span.clone())
                .await;
            return Err(problem);
        }
    };
    let location = HeaderValue::from_str(&operation.id.location())
        .map_err(|e| Problem::internal("naming the operation", &e))?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(operation)).into_response())
}

async fn begin(
    app: &Shared,
    actor: &str,
    key: Option<IdempotencyKey>,
    request: &CompressRequest,
    span: &Span,
) -> Result<Operation, Problem> {
    let admitted = admit(app, request).await?;
    let place = app.jobs.admit()?;
    let id = OperationId::draw().map_err(|e| Problem::internal("drawing an id", &e))?;
    let trace_id = nestr_telemetry::trace_id_of(span).unwrap_or_else(|| id.as_str().to_owned());
    let traceparent = nestr_telemetry::traceparent_of(span);
    let new = NewOperation {
        id: id.clone(),
        kind: OperationKind::PelletCompress,
        actor: actor.to_owned(),
        source: admitted.source.display().to_string(),
        trace_id: trace_id.clone(),
        traceparent: traceparent.clone(),
        key,
    };
    let begun = app.log.commit(move |tx| rows::begin(tx, &new)).await;
    let operation = match begun {
        Ok(Begun::New(operation)) => operation,
        Ok(Begun::Known(operation)) => return Ok(operation),
        Err(e) => {
            return Err(e
                .refusal()
                .cloned()
                .unwrap_or_else(|| job::event_problem("beginning the operation", &e)));
        }
    };
    span.set_attribute(attr::NESTR_OPERATION_ID, id.as_str().to_owned());
    span.set_attribute(attr::NESTR_PELLET_NAME, admitted.name.as_str().to_owned());
    span.set_attribute(attr::NESTR_PELLET_PROFILE, admitted.profile.as_str());
    tracing::info!(operation = %id, path = %admitted.source.display(), "packing was asked for");
    let reporter = app.progress.begin(id.clone(), actor.to_owned(), traceparent.clone());
    let underway = Underway {
        id,
        word: "packing",
        actor: actor.to_owned(),
        trace_id,
        traceparent,
        reporter,
        span: span.clone(),
    };
    let started = app.clock.monotonic();
    let job = Job { operation: underway, admitted, place, started };
    app.jobs.tasks.spawn(job::run(app.clone(), job).instrument(span.clone()));
    Ok(operation)
}

async fn admit(app: &Shared, request: &CompressRequest) -> Result<Admitted, Problem> {
    let asked = PathBuf::from(&request.path);
    let name = request.name.as_deref().map(str::parse::<PelletName>).transpose();
    let name = name.map_err(|e| Problem::new(Code::BadRequest, e.to_string()))?;
    let delta_of = request.delta_of.as_deref().map(str::parse::<Digest>).transpose();
    let delta_of =
        delta_of.map_err(|e| Problem::new(Code::BadRequest, format!("`delta_of`: {e}")))?;
    if let Some(digest) = delta_of {
        let known =
            app.log.read(move |conn| pellet_rows::by_digest(conn, &digest.to_string())).await;
        let known = known.map_err(|e| Problem::internal("looking for the pellet", &e))?;
        known
            .ok_or_else(|| Problem::new(Code::NotFound, format!("there is no pellet {digest}")))?;
    }
    let roots = app.roots.clone();
    let source = tokio::task::spawn_blocking(move || roots.admit(Path::new(&asked)))
        .await
        .map_err(|e| Problem::internal("judging the path", &e))??;
    let name = name.unwrap_or_else(|| PelletName::from_path(&source));
    Ok(Admitted { source, name, profile: request.profile.into(), delta_of })
}

pub(super) fn idempotency_key(
    headers: &HeaderMap,
    request: &impl Serialize,
) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let refused = || {
        let detail = format!("an Idempotency-Key has 1 to {MAX_KEY_BYTES} visible characters");
        Problem::new(Code::BadRequest, detail)
    };
    let key = value.to_str().map_err(|_| refused())?;
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(refused());
    }
    // The parsed request, so that spacing and order of the body do not matter.
    let canonical =
        serde_json::to_vec(request).map_err(|e| Problem::internal("reading the request", &e))?;
    let request = *blake3::hash(&canonical).as_bytes();
    Ok(Some(IdempotencyKey { key: key.to_owned(), request }))
}
