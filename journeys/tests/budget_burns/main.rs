//! J4: the Engine's store fails, a page arrives through a real Prometheus and a real Alertmanager within the computed
//! time, its three links hold, and it clears after recovery; what is idle, failed once or is merely busy pages nobody.

#![allow(clippy::unwrap_used, reason = "test code")]

#[path = "../dashboards/board.rs"]
mod board;
mod engine;
mod links;
mod site;

use journeys::{Stack, StackOptions, escaped, needs, sample_tree, wait_for};
use serde_json::Value;

use engine::Engine;
use site::{ALERT, Alert, Site};

#[test]
fn a_page_arrives_in_time_with_links_that_hold_and_clears_after_recovery() {
    if !needs("budget_burns", &["prometheus", "alertmanager"]) {
        return;
    }
    let tree = tempfile::tempdir().unwrap();
    sample_tree(&tree.path().join("packed"), 3);
    let mut stack = Stack::start(&StackOptions {
        roots: vec![tree.path().to_owned()],
        ..StackOptions::default()
    });
    let engine = Engine::prepare(&stack, tree.path());
    let site = Site::start(&stack);

    wait_for("two scrapes", 60, || {
        site.at_least("min(count_over_time(nestr_pellet_verify_total[1m]))", 2.0)
    });
    // Four good verifications and a bad one; a restore that nobody asks for again; many good requests.
    engine.verify_good(4);
    engine.verify_damaged();
    wait_for("the rules to have seen good packings", 60, || {
        engine.pack(true);
        site.at_least(
            "slo:sli:events_total:increase30s{sloth_id=\"nestr-pellet-compress-availability\"}",
            5.0,
        )
    });
    assert_eq!(site.pages(), Vec::<Alert>::new(), "nothing has failed but one verification");

    let fault = engine.break_store();
    let page = wait_for("the page", 60, || {
        engine.pack(false);
        site.tiers_of(ALERT).into_iter().find(Alert::is_firing).ok_or_else(|| "no page".to_owned())
    });
    within(&site, &page, "fires_after_s", failing_since(&site));
    assert_eq!(page.labels["sloth_severity"], "page");
    links::hold(&page, &stack, &site);

    fault.repair();
    let resolved = wait_for("every tier that paged to clear", 60, || {
        engine.pack(true);
        let tiers = site.tiers_of(ALERT);
        if tiers.iter().any(Alert::is_firing) { Err(format!("{tiers:?}")) } else { Ok(tiers) }
    });
    for tier in resolved {
        within(&site, &tier, "clears_after_s", failing_until(&site));
    }

    quiet(&site);
    assert_eq!(stack.stop(), 0);
}

/// What an alert did, measured by Prometheus' own clock, against what `perch slo validate` computes.
fn within(site: &Site, alert: &Alert, what: &str, since: f64) {
    let computed = site.tier(alert)["outage"][what].as_f64().unwrap();
    let at = if what == "fires_after_s" { alert.starts_at } else { alert.ends_at };
    // A rate needs two samples, the rules come round every two seconds, and a busy machine may be late with either.
    let slack = 2.0 * site::SCRAPE + 2.0 * site::EVALUATION;
    let took = at - since;
    assert!(
        took <= computed + slack,
        "{what}: {took} s instead of {computed} s and {slack} s at most: {alert:?}"
    );
}

/// The one series of failed packings.
const FAILED: &str = "nestr_pellet_compress_total{outcome=\"failed\"}";

/// When Prometheus first saw a failed packing.
fn failing_since(site: &Site) -> f64 {
    let failed = FAILED;
    site.number(&format!("min_over_time((timestamp({failed}) and {failed} > 0)[10m:1s])"))
}

/// When Prometheus last saw the failed packings grow.
fn failing_until(site: &Site) -> f64 {
    let failed = FAILED;
    let grows = format!("{failed} > {failed} offset 1s");
    site.number(&format!("max_over_time((timestamp({failed}) and ({grows}))[10m:1s])"))
}

/// The three objectives that were measured and woke nobody.
fn quiet(site: &Site) {
    let id = |name: &str| format!("{{sloth_id=\"nestr-{name}\"}}");
    let bad = |name: &str| format!("max_over_time(slo:sli:events_bad:increase1m{}[10m])", id(name));
    let all =
        |name: &str| format!("max_over_time(slo:sli:events_total:increase1m{}[10m])", id(name));
    assert!(site.number(&bad("pellet-verify")) > 0.5, "the one failure was not counted");
    assert!(site.number(&all("pellet-verify")) < 15.0, "few verifications");
    assert!(site.number(&all("rest-availability")) > 20.0, "many requests");
    assert!(site.number(&all("pellet-restore")) < 0.1, "an idle objective");
    let pages = "ALERTS{alertstate=\"firing\", sloth_severity=\"page\", sloth_id=~\"nestr-(pellet-verify|pellet-restore|rest-availability)\"}";
    let path =
        format!("/api/v1/query?query={}", escaped(&format!("count_over_time({pages}[10m])")));
    let reply = site.prometheus().get(&path).unwrap().ok().unwrap();
    assert_eq!(reply["data"]["result"], Value::Array(Vec::new()), "{reply}");
    let others: Vec<Alert> = site
        .pages()
        .into_iter()
        .filter(|a| {
            !a.labels["sloth_id"]
                .as_str()
                .is_some_and(|id| id.contains("compress") || id.contains("latency"))
        })
        .collect();
    assert_eq!(others, Vec::<Alert>::new());
}
