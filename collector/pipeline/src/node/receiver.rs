//! The receiver's side of the pipeline.

use std::net::SocketAddr;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::graph::Intake;

/// Takes telemetry in and offers it to an [`Intake`].
pub trait Receiver: Send + Sync + 'static {
    /// Opens what it listens on and returns the work that serves it. Called again after a panic of
    /// that work, with the same intake.
    fn start(
        &self,
        intake: Intake,
        stop: CancellationToken,
    ) -> BoxFuture<'_, Result<Started, NodeError>>;
}

/// A receiver whose listeners are open.
pub struct Started {
    /// What it listens on.
    pub bound: Vec<Bound>,
    /// Serves until told to stop, then finishes the requests under way.
    pub work: BoxFuture<'static, Result<(), NodeError>>,
}

/// An open listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// `grpc` or `http`.
    pub transport: &'static str,
    /// The address as bound, with the port that was picked.
    pub addr: SocketAddr,
}

/// A node could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A listener could not be opened.
    #[error("cannot listen on {addr} for {transport}: {source}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// `grpc` or `http`.
        transport: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}
