//! One request in the version the endpoint takes, and what its answer means.

use std::sync::Arc;

use collector_otlp::client::PostReply;
use collector_pipeline::node::ExportError;
use collector_pipeline::push::{Poster, Protocol, Taken, judge};
use collector_prom::mapping::{Cursor, Piece};
use collector_prom::remote_write::{self, Counts, Version, Written};
use durable_fs::Clock;
use http::{HeaderName, HeaderValue, StatusCode};

use super::negotiated::{Negotiated, Wanted};

/// Remote-write towards one endpoint.
pub(super) struct RemoteWriteProtocol {
    /// The exporter's name, for the log.
    name: String,
    negotiated: Negotiated,
    clock: Arc<dyn Clock>,
}

/// What an answer to 2.0 says.
enum Heard {
    Taken(Taken),
    /// It was not understood; 1.0 is worth a try.
    NotUnderstood {
        why: &'static str,
        is_sure: bool,
        error: ExportError,
    },
}

impl RemoteWriteProtocol {
    pub(super) fn new(name: String, wanted: Wanted, clock: Arc<dyn Clock>) -> Self {
        Self { name, negotiated: Negotiated::new(wanted), clock }
    }

    async fn say(
        &self,
        poster: &Poster,
        piece: &Piece,
        version: Version,
    ) -> Result<PostReply, ExportError> {
        // Encoded anew for each attempt: an outage holds no second copy of what waits.
        let body = remote_write::encode(version, &piece.series, &piece.metadata)
            .map_err(|error| ExportError::permanent("ENCODE", error.to_string()))?;
        let headers = version
            .headers()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        poster.post(&headers, body.into()).await
    }

    async fn say_first(&self, poster: &Poster, piece: &Piece) -> Result<Taken, ExportError> {
        judge(&self.say(poster, piece, Version::V1).await?)?;
        Ok(Taken::default())
    }

    /// Reads the answer to 2.0.
    fn hear(&self, reply: &PostReply, piece: &Piece) -> Result<Heard, ExportError> {
        let written = Written::read(|name| reply.headers.get(name)?.to_str().ok());
        let judged = judge(reply);
        if let Written::Said(written) = written {
            self.negotiated.speaks_second();
            return self.missing(judged, &written, piece).map(Heard::Taken);
        }
        let wrong = |why, is_sure, error| Heard::NotUnderstood { why, is_sure, error };
        let silence =
            || ExportError::permanent("UNCONFIRMED", "success without a word of what was written");
        match judged {
            Ok(()) if self.negotiated.may_change() => {
                Ok(wrong("success without a word of what was written", true, silence()))
            }
            Ok(()) if piece.n_points == 0 => Ok(Heard::Taken(Taken::default())),
            Ok(()) => {
                let message = "success without a word of what was written".to_owned();
                Ok(Heard::Taken(Taken { n_missing: piece.n_points, message }))
            }
            Err(error) if !self.negotiated.may_change() => Err(error),
            Err(error) if reply.status == StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Ok(wrong("HTTP 415", true, error))
            }
            Err(error)
                if reply.status == StatusCode::BAD_REQUEST && self.negotiated.is_unsure() =>
            {
                Ok(wrong("HTTP 400", false, error))
            }
            Err(error) => Err(error),
        }
    }

    /// What is missing where the receiver said what it wrote. A refusal for good may have come after a part was
    /// written; what may pass is sent again as a whole.
    fn missing(
        &self,
        judged: Result<(), ExportError>,
        written: &Counts,
        piece: &Piece,
    ) -> Result<Taken, ExportError> {
        let sent = Counts::of(piece.series.iter().map(|w| &w.series));
        if written.n_exemplars < sent.n_exemplars {
            let (n_sent, n_written) = (sent.n_exemplars, written.n_exemplars);
            tracing::debug!(exporter = self.name, n_sent, n_written, "exemplars were not written");
        }
        let n_missing = sent.n_points_missing(written, piece.n_points);
        match judged {
            Ok(()) => {
                let (n_sent, n_written) =
                    (sent.n_samples + sent.n_histograms, written.n_samples + written.n_histograms);
                let message = format!("{n_written} of {n_sent} samples were written");
                Ok(Taken { n_missing, message })
            }
            Err(error @ ExportError::Permanent { .. }) if n_missing < piece.n_points => {
                Ok(Taken { n_missing: n_missing.max(1), message: error.to_string() })
            }
            Err(error) => Err(error),
        }
    }
}

impl Protocol for RemoteWriteProtocol {
    type Piece = Piece;
    type Cursor = Cursor;

    fn n_items(&self, piece: &Piece) -> u64 {
        piece.n_points
    }

    async fn post(&self, poster: &Poster, piece: &Piece) -> Result<Taken, ExportError> {
        if self.negotiated.version(self.clock.monotonic()) == Version::V1 {
            return self.say_first(poster, piece).await;
        }
        let reply = self.say(poster, piece, Version::V2).await?;
        let (why, is_sure, error) = match self.hear(&reply, piece)? {
            Heard::Taken(taken) => return Ok(taken),
            Heard::NotUnderstood { why, is_sure, error } => (why, is_sure, error),
        };
        let said = self.say_first(poster, piece).await;
        if said.is_err() && !is_sure {
            // Both versions were refused: the fault lies in what was said, and the first answer names it.
            return said.map_err(|second| match second {
                ExportError::Permanent { .. } => error,
                ExportError::Retryable { .. } => second,
            });
        }
        if self.negotiated.settle(self.clock.monotonic()) {
            let exporter = &self.name;
            tracing::info!(
                exporter,
                why,
                "the endpoint does not take remote-write 2.0, sending 1.0"
            );
        }
        said
    }
}
