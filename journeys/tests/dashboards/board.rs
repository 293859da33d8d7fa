//! A rendered dashboard as Grafana reads it: its queries, and its variables with what is chosen.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use journeys::{Client, escaped};
use serde_json::Value;

/// One dashboard.
pub struct Board {
    json: Value,
}

/// One query and where it stands.
pub struct Query {
    pub place: String,
    pub panel: String,
    pub ref_id: String,
    pub expr: String,
    pub legend: String,
    pub instant: bool,
    /// The panel's own range in seconds.
    pub own_range: Option<u64>,
}

/// The range a query is asked for, in seconds.
pub struct Range {
    pub start: u64,
    pub end: u64,
    pub step: u64,
}

/// What is chosen in every variable, as it stands in a query.
pub struct Choice(BTreeMap<String, String>);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards/rendered")
}

impl Board {
    pub fn all() -> Vec<Self> {
        let mut names: Vec<_> =
            fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
        names.retain(|path| path.extension().is_some_and(|e| e == "json"));
        names.sort();
        names.iter().map(|path| Self::read(path)).collect()
    }

    pub fn load(name: &str) -> Self {
        Self::read(&folder().join(format!("{name}.json")))
    }

    fn read(path: &Path) -> Self {
        Self { json: serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap() }
    }

    pub fn uid(&self) -> &str {
        self.json["uid"].as_str().unwrap()
    }

    /// The names of its variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        items(&self.json["templating"]["list"]).filter_map(|v| v["name"].as_str())
    }

    /// Every query of a panel or of an annotation.
    pub fn queries(&self) -> Vec<Query> {
        let title = self.json["title"].as_str().unwrap();
        let mut found = Vec::new();
        for panel in items(&self.json["panels"]) {
            for panel in std::iter::once(panel).chain(items(&panel["panels"])) {
                found
                    .extend(items(&panel["targets"]).map(|target| Query::of(title, panel, target)));
            }
        }
        for mark in items(&self.json["annotations"]["list"]).filter(|m| m["expr"].is_string()) {
            found.push(Query::of(title, &Value::Null, mark));
        }
        found
    }

    /// The query of a panel by title and letter.
    pub fn query(&self, panel: &str, ref_id: &str) -> Query {
        let found = self.queries().into_iter().find(|q| q.panel == panel && q.ref_id == ref_id);
        found.unwrap_or_else(|| panic!("no query {ref_id} in {panel}"))
    }

    /// "All" in every variable.
    pub fn choose_all(&self, client: &Client) -> Choice {
        self.choose(client, |variable, _| variable["allValue"].as_str().unwrap().to_owned())
    }

    /// Every value chosen by hand.
    pub fn choose_each(&self, client: &Client) -> Choice {
        self.choose(client, |_, values| format!("({})", values.join("|")))
    }

    /// Looks the values of each variable up as Grafana does, one after the other, since later ones use earlier ones.
    fn choose(&self, client: &Client, choose: impl Fn(&Value, &[String]) -> String) -> Choice {
        let mut chosen = Choice(BTreeMap::new());
        for variable in items(&self.json["templating"]["list"]) {
            if variable["type"] == "query" {
                let name = variable["name"].as_str().unwrap();
                let values = chosen.values(client, variable["query"]["query"].as_str().unwrap());
                assert!(!values.is_empty(), "the variable {name} has no values");
                chosen.0.insert(name.to_owned(), choose(variable, &values));
            }
        }
        chosen
    }
}

impl Choice {
    /// The same with one value in one variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    fn values(&self, client: &Client, query: &str) -> Vec<String> {
        let inner = query.strip_prefix("label_values(").and_then(|q| q.strip_suffix(')')).unwrap();
        let (series, label) = inner.rsplit_once(", ").unwrap();
        let series = escaped(&self.variables(series));
        let path = format!("/api/v1/label/{label}/values?match[]={series}");
        let answer = client.get(&path).unwrap().ok().unwrap();
        items(&answer["data"]).map(|v| v.as_str().unwrap().to_owned()).collect()
    }

    /// The query with everything filled in.
    pub fn fill(&self, expr: &str, range: &Range) -> String {
        self.variables(expr)
            .replace("$__rate_interval", "4m")
            .replace("${__from:date:seconds}", &range.start.to_string())
    }

    fn variables(&self, text: &str) -> String {
        let fill = |text: String, (name, value): (&String, &String)| {
            text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
        };
        // Longer names first: `$slo` begins like `$slow`.
        let mut names: Vec<_> = self.0.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        names.into_iter().fold(text.to_owned(), fill)
    }
}

impl Query {
    fn of(board: &str, panel: &Value, target: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let title = text(if panel.is_null() { &target["name"] } else { &panel["title"] });
        let ref_id = text(&target["refId"]);
        Self {
            place: format!("{board}: {title} {ref_id}"),
            panel: title,
            ref_id,
            expr: text(&target["expr"]),
            legend: text(if panel.is_null() {
                &target["titleFormat"]
            } else {
                &target["legendFormat"]
            }),
            instant: target["instant"].as_bool().unwrap_or_default(),
            own_range: panel["timeFrom"].as_str().map(seconds),
        }
    }

    /// The labels that the legend names.
    pub fn legend_labels(&self) -> Vec<&str> {
        let parts = self.legend.split("{{").skip(1);
        parts.filter_map(|part| Some(part.split_once("}}")?.0.trim())).collect()
    }
}

impl Range {
    /// The panel's own range, else `usual`; so many points as a screen shows.
    pub fn of(query: &Query, now: u64, usual: u64) -> Self {
        let length = query.own_range.unwrap_or(usual);
        Self { start: now - length, end: now, step: (length / 720).max(60) }
    }
}

fn seconds(length: &str) -> u64 {
    let (number, unit) = length.split_at(length.len() - 1);
    let unit = match unit {
        "h" => 3_600,
        "d" => 86_400,
        other => panic!("the unit {other} of {length} is not known here"),
    };
    number.parse::<u64>().unwrap() * unit
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
