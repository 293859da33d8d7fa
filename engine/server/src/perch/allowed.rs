//! The paths of Perch's API that the page may read.

/// Longest name of a service or an objective that is looked up.
const MAX_NAME_BYTES: usize = 256;

/// The path below `/api/` to ask for, if `path` is on the list. `path` is percent-decoded; the result is encoded.
pub(super) fn resolve(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [one @ ("traces" | "services" | "operations" | "logs" | "ledger" | "slo")] => {
            Some((*one).to_owned())
        }
        ["traces", id] if is_trace_id(id) => Some(format!("traces/{id}")),
        ["slo", objective] if is_name(objective) => Some(format!("slo/{}", encode(objective))),
        ["services", service, "operations"] if is_name(service) => {
            Some(format!("services/{}/operations", encode(service)))
        }
        _ => None,
    }
}

fn is_trace_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len())
        && !matches!(text, "." | "..")
        && !text.chars().any(char::is_control)
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_paths_pass() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        let passing = [
            ("traces", "traces"),
            ("logs", "logs"),
            ("ledger", "ledger"),
            ("services", "services"),
            ("operations", "operations"),
            ("slo", "slo"),
            ("slo/nestr-rest availability", "slo/nestr-rest%20availability"),
            (&format!("traces/{id}"), &format!("traces/{id}")),
            ("services/a b?c#d/operations", "services/a%20b%3Fc%23d/operations"),
        ];
        for (asked, want) in passing {
            assert_eq!(resolve(asked).as_deref(), Some(want));
        }
        let refused = [
            "",
            "/",
            "metrics",
            "debug/ledger",
            "../metrics",
            "traces/",
            "traces/..",
            "slo/",
            "slo/..",
            "slo/a/traces",
            "traces//",
            "traces/xyz",
            "services/../operations",
            "services/./operations",
            "services//operations",
            "services/a/../operations",
            "services/a",
            "traces/0/0",
            "logs/",
            "Traces",
            "services/a\r\nb/operations",
            "http://evil.example/traces",
            "traces?x=1",
        ];
        for asked in refused {
            assert_eq!(resolve(asked), None, "{asked:?}");
        }
    }
}
