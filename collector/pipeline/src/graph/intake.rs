//! Where receivers hand their batches over.

use std::fmt;
use std::sync::Arc;

use collector_otlp::server::Call;

use super::admission::{Admission, Offered};
use super::gate::Gate;
use crate::Batch;
use crate::config::ComponentId;
use crate::own::{OwnTraces, Traced};

/// Takes batches from one receiver into all pipelines it feeds; clones are one.
#[derive(Clone)]
pub struct Intake {
    take: Arc<Take>,
    /// Where receptions are told, and by which name.
    own: Option<(OwnTraces, Arc<str>)>,
}

type Take = dyn Fn(Batch, Option<Arc<Traced>>) -> Offered + Send + Sync;

impl Intake {
    /// An intake that calls `take`; how tests and other hosts stand in for a graph.
    pub fn new(take: impl Fn(Batch) -> Admission + Send + Sync + 'static) -> Self {
        Self { take: Arc::new(move |batch, _| take(batch).into()), own: None }
    }

    pub(super) fn of(gate: Arc<Gate>, receiver: &ComponentId, own: &OwnTraces) -> Self {
        let own = Some((own.clone(), receiver.to_string().into()));
        Self { take: Arc::new(move |batch, traced| gate.offer(batch, traced)), own }
    }

    /// Offers a batch that came over `transport` in a call, which is traced where it is to be.
    pub async fn receive(&self, batch: Batch, transport: &str, call: &Call) -> Admission {
        let reception = self.own.as_ref().and_then(|(own, receiver)| {
            own.receive(receiver, transport, &batch, call.caller.as_ref(), call.since.elapsed())
        });
        let Some(reception) = reception else { return self.offer(batch).await };
        let admission = (self.take)(batch, Some(reception.traced())).await;
        reception.end(admission.code());
        admission
    }

    /// Offers a batch: all pipelines take it or none. The answer comes when the strictest of them
    /// has it; it is taken or refused whether or not anyone waits for the answer.
    pub fn offer(&self, batch: Batch) -> Offered {
        (self.take)(batch, None)
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").finish_non_exhaustive()
    }
}
