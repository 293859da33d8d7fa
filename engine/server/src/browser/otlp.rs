//! The small part of OTLP/JSON that the relay reads and rewrites: resources and the number of items.

use serde_json::{Map, Value, json};

/// The page's service.
const SERVICE_NAME: &str = "nestr-web";
const SERVICE_NAMESPACE: &str = "nestr";
/// Resources in one request; the page is one.
const MAX_RESOURCES: usize = 16;

/// A signal the page may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Logs,
}

impl Signal {
    /// The collector's path.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Traces => "v1/traces",
            Self::Logs => "v1/logs",
        }
    }

    const fn resources(self) -> &'static str {
        match self {
            Self::Traces => "resourceSpans",
            Self::Logs => "resourceLogs",
        }
    }
}

/// The request with every resource named as the page's; the error says what is wrong with it.
pub(super) fn rewrite(signal: Signal, body: &[u8]) -> Result<Vec<u8>, String> {
    let mut request: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let key = signal.resources();
    let Some(fields) = request.as_object_mut() else { return Err("not an object".to_owned()) };
    if let Some(other) = fields.keys().find(|name| *name != key) {
        return Err(format!("unknown field `{other}`; expected `{key}`"));
    }
    let groups = fields.get_mut(key).and_then(Value::as_array_mut);
    let Some(groups) = groups else { return Err(format!("`{key}` is not an array")) };
    if groups.len() > MAX_RESOURCES {
        return Err(format!("more than {MAX_RESOURCES} resources"));
    }
    for group in groups {
        let Some(group) = group.as_object_mut() else {
            return Err(format!("an item of `{key}` is not an object"));
        };
        name_resource(group)?;
    }
    serde_json::to_vec(&request).map_err(|e| e.to_string())
}

fn name_resource(group: &mut Map<String, Value>) -> Result<(), String> {
    let resource = group.entry("resource").or_insert_with(|| json!({}));
    let Some(resource) = resource.as_object_mut() else {
        return Err("`resource` is not an object".to_owned());
    };
    let attributes = resource.entry("attributes").or_insert_with(|| json!([]));
    let Some(attributes) = attributes.as_array_mut() else {
        return Err("`attributes` is not an array".to_owned());
    };
    let ours = [("service.name", SERVICE_NAME), ("service.namespace", SERVICE_NAMESPACE)];
    attributes.retain(|a| !ours.iter().any(|(key, _)| a["key"] == *key));
    for (key, value) in ours {
        attributes.push(json!({"key": key, "value": {"stringValue": value}}));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(body: &[u8]) -> Vec<Value> {
        let request: Value = serde_json::from_slice(body).unwrap();
        let groups = request["resourceSpans"].as_array().unwrap().clone();
        let named = |a: &&Value| a["key"] == "service.name";
        groups
            .iter()
            .flat_map(|g| g["resource"]["attributes"].as_array().unwrap().clone())
            .collect::<Vec<_>>()
            .iter()
            .filter(named)
            .map(|a| a["value"]["stringValue"].clone())
            .collect()
    }

    #[test]
    fn every_resource_is_named_once_as_the_page() {
        let forged = json!({"key": "service.name", "value": {"stringValue": "nestr"}});
        let body = json!({"resourceSpans": [
            {"resource": {"attributes": [forged, forged]}, "scopeSpans": []},
            {"resource": {}},
            {"scopeSpans": [{"spans": [{"name": "ui.compress"}]}]},
        ]});
        let out = rewrite(Signal::Traces, body.to_string().as_bytes()).unwrap();
        assert_eq!(services(&out), ["nestr-web", "nestr-web", "nestr-web"]);
        assert!(String::from_utf8(out).unwrap().contains("ui.compress"));
    }

    #[test]
    fn what_is_not_of_the_shape_is_refused() {
        let bad = [
            "",
            "[]",
            "7",
            "{",
            r#"{"resourceSpans":{}}"#,
            r#"{"resourceSpans":[7]}"#,
            "{}",
            r#"{"resourceSpans":[{"resource":7}]}"#,
            r#"{"resourceLogs":[]}"#,
            r#"{"resourceSpans":[{"resource":{"attributes":{}}}]}"#,
            r#"{"resourceSpans":[],"resource_spans":[]}"#,
        ];
        for body in bad {
            assert!(rewrite(Signal::Traces, body.as_bytes()).is_err(), "{body}");
        }
        let deep = format!("{{\"resourceSpans\":{}{}}}", "[".repeat(500), "]".repeat(500));
        assert!(rewrite(Signal::Traces, deep.as_bytes()).is_err());
        let many = format!("{{\"resourceSpans\":[{}{{}}]}}", "{},".repeat(MAX_RESOURCES));
        assert!(rewrite(Signal::Traces, many.as_bytes()).is_err());
    }
}
