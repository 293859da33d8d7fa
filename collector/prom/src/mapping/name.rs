//! Metric and label names by the rules of "OpenTelemetry to Prometheus".
//!
//! Source: the OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility", with unit and
//! type suffixes on.

/// What a family is, as far as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A monotonic sum: gets `_total`.
    Counter,
    /// A gauge: a unit of `1` becomes `_ratio`.
    Gauge,
    /// Everything else.
    Other,
}

/// The family name for an OpenTelemetry metric.
#[must_use]
pub fn metric(name: &str, unit: &str, kind: Kind) -> String {
    let mut words: Vec<String> = name
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'))
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect();
    for suffix in unit_suffixes(unit, kind) {
        if !words.contains(&suffix) {
            words.push(suffix);
        }
    }
    if kind == Kind::Counter {
        words.retain(|w| w != "total");
        words.push("total".to_owned());
    }
    let joined = words.join("_");
    if joined.starts_with(|c: char| c.is_ascii_digit()) { format!("_{joined}") } else { joined }
}

/// The label name for an attribute key; empty for an empty key.
#[must_use]
pub fn label(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    for c in key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }) {
        // One underscore for several; names that begin with two are Prometheus' own.
        if c != '_' || !out.ends_with('_') {
            out.push(c);
        }
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert_str(0, "key_");
    } else if out.starts_with('_') {
        out.insert_str(0, "key");
    }
    out
}

/// The unit as names end in it, for a UCUM unit; empty where it adds nothing.
#[must_use]
pub fn unit(unit: &str) -> String {
    unit_suffixes(unit, Kind::Gauge).join("_")
}

/// `km/h` → `kilometers`, `per_hour`; an annotation in braces says nothing about the unit.
fn unit_suffixes(unit: &str, kind: Kind) -> Vec<String> {
    let bare = strip_annotations(unit);
    let (main, per) = match bare.split_once('/') {
        Some((main, per)) => (main.trim(), Some(per.trim())),
        None => (bare.trim(), None),
    };
    let mut suffixes = Vec::new();
    match main {
        "" => {}
        "1" if kind == Kind::Gauge && per.is_none() => suffixes.push("ratio".to_owned()),
        "1" => {}
        _ => suffixes.extend(words(main_unit(main))),
    }
    if let Some(per) = per.filter(|p| !p.is_empty()) {
        suffixes.push("per".to_owned());
        suffixes.extend(words(per_unit(per)));
    }
    suffixes
}

fn strip_annotations(unit: &str) -> String {
    let mut depth = 0_u32;
    unit.chars()
        .filter(|c| match c {
            '{' => {
                depth += 1;
                false
            }
            '}' => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        })
        .collect()
}

fn words(unit: &str) -> Vec<String> {
    unit.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

/// UCUM to the words Prometheus uses.
fn main_unit(unit: &str) -> &str {
    match unit {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "KBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        other => other,
    }
}

fn per_unit(unit: &str) -> &str {
    match unit {
        "s" => "second",
        "m" | "min" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_follow_the_specification() {
        for (name, unit, kind, want) in [
            ("nestr.pellet.compress", "{operation}", Kind::Counter, "nestr_pellet_compress_total"),
            ("nestr.pellet.bytes", "By", Kind::Counter, "nestr_pellet_bytes_total"),
            (
                "nestr.pellet.compress.duration",
                "s",
                Kind::Other,
                "nestr_pellet_compress_duration_seconds",
            ),
            ("system.cpu.utilization", "1", Kind::Gauge, "system_cpu_utilization_ratio"),
            ("nestr.pellet.ratio", "1", Kind::Other, "nestr_pellet_ratio"),
            ("speed", "km/h", Kind::Gauge, "speed_km_per_hour"),
            ("req", "{request}/s", Kind::Gauge, "req_per_second"),
            ("requests.total", "", Kind::Counter, "requests_total"),
            ("2xx", "", Kind::Gauge, "_2xx"),
            ("a..b--c", "", Kind::Gauge, "a_b_c"),
            ("memory", "By", Kind::Gauge, "memory_bytes"),
        ] {
            assert_eq!(metric(name, unit, kind), want, "{name} in {unit}");
        }
    }

    #[test]
    fn label_names_are_legal() {
        assert_eq!(label("http.route"), "http_route");
        assert_eq!(label("1st"), "key_1st");
        assert_eq!(label("__name__"), "key_name_");
        assert_eq!(label("a..b"), "a_b");
        assert_eq!(label("größe"), "gr_e");
        assert_eq!(label(""), "");
        assert_eq!(label("_private"), "key_private");
    }
}
