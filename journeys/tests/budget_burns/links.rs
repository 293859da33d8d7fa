//! A link holds when what is behind it answers with content.

use journeys::{Client, Stack, escaped, wait_for};

use super::board::{Board, Range};
use super::site::{ALERT, Alert, GRAFANA, Site};

/// All three links of the page.
pub fn hold(page: &Alert, stack: &Stack, site: &Site) {
    let link = |key: &str| page.annotations[key].as_str().unwrap();
    runbook(link("runbook_url"));
    traces(link("traces_url"), stack);
    let tier = site.tier(page);
    dashboard(link("dashboard_url"), tier["long"].as_str().unwrap(), site);
}

fn get(url: &str) -> Result<journeys::Reply, String> {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    Client::new(&format!("http://{host}")).get(&format!("/{path}"))
}

fn runbook(url: &str) {
    let page = get(url).unwrap();
    assert_eq!(page.status, 200, "{url}: {}", page.text);
    assert!(page.text.contains(&format!("# {ALERT}")), "{url}: {}", page.text);
}

/// The search has traces of packings that failed, and each can be opened.
fn traces(url: &str, stack: &Stack) {
    let id = wait_for("the traces that spent the budget", 30, || {
        let found = get(url)?.ok()?;
        let traces = found["data"].as_array().ok_or_else(|| found.to_string())?;
        let failed = traces.iter().find(|trace| {
            let spans = trace["spans"].as_array().into_iter().flatten();
            { spans }.any(|s| s["operationName"] == "pellet.compress" && has_error(s))
        });
        let id = failed.and_then(|trace| trace["traceID"].as_str());
        id.map(str::to_owned).ok_or_else(|| format!("{} traces, no failed packing", traces.len()))
    });
    let trace = stack.perch().get(&format!("/api/traces/{id}")).unwrap().ok().unwrap();
    assert_eq!(trace["data"][0]["traceID"], id.as_str(), "{trace}");
}

fn has_error(span: &serde_json::Value) -> bool {
    let tags = span["tags"].as_array().into_iter().flatten();
    { tags }.any(|tag| tag["key"] == "error" && tag["value"].to_string().contains("true"))
}

/// The dashboard is rendered, has the link's variables, and its panels of rules answer in the link's range.
fn dashboard(url: &str, window: &str, site: &Site) {
    let (path, query) = url.strip_prefix(GRAFANA).unwrap().split_once('?').unwrap();
    let board = Board::load("slo");
    assert_eq!(path, format!("/d/{}", board.uid()));
    let mut chosen = board.choose_all(&site.prometheus());
    let (mut from, mut to) = (None, None);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "from" => from = value.parse::<u64>().ok(),
            "to" => to = value.parse::<u64>().ok(),
            _ => {
                let variable = name.strip_prefix("var-").unwrap();
                assert!(
                    board.variables().any(|v| v == variable),
                    "no variable {variable} of {url}"
                );
                chosen = chosen.with(variable, value);
            }
        }
    }
    let (from, to) = (from.unwrap() / 1_000, to.unwrap() / 1_000);
    let long = if window == "1m" { 60 } else { 30 };
    assert_eq!(to - from, long + 1, "the long window {window} of the tier that fired: {url}");
    let range = Range { start: from, end: to, step: 1 };
    for (panel, ref_id) in [
        ("Good events now", "A"),
        ("Objective", "A"),
        ("Budget left", "A"),
        ("State", "A"),
        ("Burn rate by window", "A"),
        ("Budget left over the period", "A"),
        ("Alerts", "A"),
        ("Work that fails", "A"),
    ] {
        let query = board.query(panel, ref_id);
        let expr = chosen.fill(&query.expr, &range).replace("[4m]", "[10s]");
        let path = if query.instant {
            format!("/api/v1/query?time={to}&query={}", escaped(&expr))
        } else {
            format!("/api/v1/query_range?start={from}&end={to}&step=1&query={}", escaped(&expr))
        };
        let answer = site.prometheus().get(&path).unwrap().ok().unwrap();
        let series = answer["data"]["result"].as_array().unwrap();
        assert!(!series.is_empty(), "{panel} has nothing to show in {url}: {expr}");
    }
}
