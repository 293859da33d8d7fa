//! `POST /api/pellets/compress`: judges the request, begins the operation, replies.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use nestr_pellets::{Digest, PelletName};
use nestr_telemetry::names::{Outcome, attr, span};
use serde_json::json;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::SUBJECT;
use super::idempotency::idempotency_key;
use super::job::{self, Admitted, Job};
use super::model::CompressRequest;
use super::problems::no_pellet;
use super::rows as pellet_rows;
use crate::app::Shared;
use crate::auth::Caller;
use crate::http::body::JsonBody;
use crate::operations::rows::IdempotencyKey;
use crate::operations::{self, Asked, Operation, OperationKind, Refused};
use crate::problem::{Code, Problem};

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
    let count = || app.instruments.pellet_compressed(Outcome::Refused, Duration::ZERO);
    let refused = Refused {
        kind: OperationKind::PelletCompress,
        subject: SUBJECT,
        data: json!({"path": request.path}),
    };
    operations::reply(&app, &actor, &span, begun, count, refused).await
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
    let asked = Asked {
        kind: OperationKind::PelletCompress,
        word: "packing",
        actor,
        source: admitted.source.display().to_string(),
        key,
        span,
    };
    let (operation, underway) = operations::begin(app, asked).await?;
    let Some(underway) = underway else { return Ok(operation) };
    span.set_attribute(attr::NESTR_PELLET_NAME, admitted.name.as_str().to_owned());
    span.set_attribute(attr::NESTR_PELLET_PROFILE, admitted.profile.as_str());
    tracing::info!(operation = %underway.id, path = %admitted.source.display(), "packing was asked for");
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
        known.ok_or_else(|| no_pellet(&digest))?;
    }
    let roots = app.roots.clone();
    let judge = move || {
        let source = roots.admit(Path::new(&asked))?;
        roots.assert_packable(&source).map(|()| source)
    };
    let source = tokio::task::spawn_blocking(judge)
        .await
        .map_err(|e| Problem::internal("judging the path", &e))??;
    let name = name.unwrap_or_else(|| PelletName::from_path(&source));
    Ok(Admitted { source, name, profile: request.profile.into(), delta_of })
}
