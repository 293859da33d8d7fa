//! Ends long work early: one flag for REST's cancel, for a signal to the command, and for the end of the process.
//!
//! Work looks at it between its steps and cleans up after itself, so what is left is as if it had failed there.
//! What is past its last step ends well all the same.

use std::sync::{Arc, OnceLock};

use nestr_telemetry::names::Outcome;
use tokio_util::sync::CancellationToken;

use crate::problem::Code;

/// Whether work shall end, and who asked for that. Once asked, for good.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    token: CancellationToken,
    by: OnceLock<String>,
}

impl Cancel {
    /// Asked as soon as `stop` is, then by nobody.
    pub(crate) fn beneath(stop: &CancellationToken) -> Self {
        Self(Arc::new(Inner { token: stop.child_token(), by: OnceLock::new() }))
    }

    /// Asks for the end in the name of `by`; false where somebody did before.
    pub fn ask(&self, by: &str) -> bool {
        let first = self.0.by.set(by.to_owned()).is_ok();
        self.0.token.cancel();
        first
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.token.is_cancelled()
    }

    /// Waits until the end is asked for.
    pub(crate) async fn asked(&self) {
        self.0.token.cancelled().await;
    }

    /// Who asked, where it was somebody.
    pub(crate) fn by(&self) -> Option<&str> {
        self.0.by.get().map(String::as_str)
    }
}

/// How work counts that ended with this code.
#[must_use]
pub fn outcome_of(code: &str) -> Outcome {
    match Code::from_slug(code) {
        Some(Code::Cancelled) => Outcome::Cancelled,
        Some(Code::Interrupted) => Outcome::Interrupted,
        _ => Outcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_first_is_named_and_the_end_of_the_process_is_nobody() {
        let stop = CancellationToken::new();
        let (asked, stopped) = (Cancel::beneath(&stop), Cancel::beneath(&stop));
        assert!(!asked.is_asked() && asked.ask("ada") && !asked.ask("bob"));
        assert_eq!((asked.is_asked(), asked.by()), (true, Some("ada")));
        assert!(!stop.is_cancelled() && !stopped.is_asked(), "one is asked, not all");
        stop.cancel();
        assert_eq!((stopped.is_asked(), stopped.by()), (true, None));
    }
}
