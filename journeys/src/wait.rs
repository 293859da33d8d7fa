//! Waiting for a condition with a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(50);

/// Polls `condition` until it gives a value.
///
/// # Panics
/// When `seconds` have passed; the message says what was awaited and what was seen last.
pub fn wait_for<T>(
    what: &str,
    seconds: u64,
    mut condition: impl FnMut() -> Result<T, String>,
) -> T {
    let started = Instant::now();
    loop {
        match condition() {
            Ok(value) => return value,
            Err(seen) if started.elapsed() > Duration::from_secs(seconds) => {
                panic!("waited {seconds} s for {what}; last seen: {seen}")
            }
            Err(_) => thread::sleep(POLL),
        }
    }
}
