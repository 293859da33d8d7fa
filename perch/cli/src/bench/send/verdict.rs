//! What the sink has of what was sent.

use std::time::Duration;

use anyhow::{Context, bail};
use hyper::StatusCode;
use tokio::time::{Instant, sleep};

use crate::bench::seen::Seen;
use crate::bench::sink::{MAX_RANGES, RunReport};
use crate::http::Client;

/// From one look at the sink to the next while items are still under way.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The sink's side of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Different items that it took.
    pub(super) n_arrived: u64,
    /// Items that it took again.
    pub(super) n_duplicated: u64,
    /// Acknowledged items that it never took.
    pub(super) n_lost: u64,
    /// Items that it took and of which no acknowledgement came.
    pub(super) n_unacknowledged: u64,
}

/// Waits until the sink at `url` has all acknowledged items or has got nothing new for `settle`.
pub(super) async fn of(
    url: &str,
    run: u64,
    acked: &Seen,
    settle: Duration,
) -> anyhow::Result<Verdict> {
    let asked = format!("{}/api/bench/runs/{run:016x}", url.trim_end_matches('/'));
    let client = Client::new();
    let (mut last, mut compared) = (0, None);
    let mut moved = Instant::now();
    loop {
        let report = ask(&client, &format!("{asked}?max=0")).await?;
        if report.untracked > 0 {
            bail!(
                "the sink had no room for the numbers of {} items, so losses cannot be told: start it anew",
                report.untracked
            );
        }
        if report.unique > last {
            (last, moved) = (report.unique, Instant::now());
        }
        if report.unique >= acked.n_unique() && compared != Some(report.unique) {
            // Enough items, but perhaps other ones: those of refused requests count too.
            compared = Some(report.unique);
            let verdict = compare(&client, &asked, acked).await?;
            if verdict.n_lost == 0 {
                return Ok(verdict);
            }
        }
        if moved.elapsed() >= settle {
            return compare(&client, &asked, acked).await;
        }
        sleep(LOOK_AGAIN).await;
    }
}

async fn compare(client: &Client, asked: &str, acked: &Seen) -> anyhow::Result<Verdict> {
    let (mut from, mut n_arrived, mut n_both) = (0, 0, 0);
    loop {
        let page = ask(client, &format!("{asked}?from={from}&max={MAX_RANGES}")).await?;
        for (first, end) in &page.ranges {
            n_arrived += end.saturating_sub(*first);
            n_both += acked.count(*first, *end);
        }
        match page.next {
            Some(next) if next > from => from = next,
            _ => {
                return Ok(Verdict {
                    n_arrived,
                    n_duplicated: page.duplicated,
                    n_lost: acked.n_unique() - n_both,
                    n_unacknowledged: n_arrived - n_both,
                });
            }
        }
    }
}

async fn ask(client: &Client, url: &str) -> anyhow::Result<RunReport> {
    let reply = client.get(url, None).await.context("the sink does not answer (--sink)")?;
    if reply.status != StatusCode::OK {
        bail!("{url} answers {}: is it the report address of `perch bench sink`?", reply.status);
    }
    serde_json::from_slice(&reply.body)
        .with_context(|| format!("{url} is not the report of `perch bench sink`"))
}
