//! A proof as telemetry: one span, and a log line per test.

use std::io;
use std::path::Path;
use std::time::Duration;

use nestr_pellets::Shape;
use nestr_telemetry::names::{attr, span};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::judge::{Proof, ProofOutcome, Verdict, prove};
use crate::operations::Cancel;

/// The time that one test may take: a build that finds everything fresh takes seconds.
const DEADLINE: Duration = Duration::from_secs(300);

/// Proves the tree at `root` in a span beneath `operation`, which is told the outcome.
///
/// # Errors
/// As [`prove`].
pub fn traced_proof(
    operation: &Span,
    shapes: &[Shape],
    root: &Path,
    cancel: &Cancel,
) -> io::Result<Proof> {
    let span = tracing::info_span!(parent: operation, span::PELLET_PROVE);
    let proof = span.in_scope(|| prove(shapes, root, DEADLINE, cancel))?;
    for span in [operation, &span] {
        span.set_attribute(attr::NESTR_PELLET_PROOF, proof.outcome.as_str());
    }
    span.in_scope(|| {
        for tested in &proof.tests {
            let (ecosystem, command) = (tested.ecosystem.as_str(), tested.command.as_str());
            match &tested.verdict {
                Verdict::Passed => tracing::info!(ecosystem, command, "a self-test passed"),
                Verdict::Failed(why) => {
                    tracing::warn!(ecosystem, command, why, "a self-test failed");
                }
                Verdict::Untried(why) => {
                    tracing::warn!(ecosystem, command, why, "a self-test could not be tried");
                }
            }
        }
    });
    if let (false, Some(reason)) = (proof.outcome == ProofOutcome::Proved, proof.reason()) {
        nestr_telemetry::fail(&span, proof.outcome.as_str(), &reason);
    }
    Ok(proof)
}
