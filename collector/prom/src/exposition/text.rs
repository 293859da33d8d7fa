//! Pages: text format 0.0.4 and OpenMetrics 1.0.
//!
//! Sources: "Exposition formats" of the Prometheus documentation; the OpenMetrics 1.0 specification.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Format;
use super::family::Family;
use super::point::{Shown, Slot};
use crate::mapping::name;
use crate::remote_write::{Exemplar, Label, MetricType};

/// Everything as one page.
pub(super) fn render(
    families: &BTreeMap<String, Family>,
    format: Format,
    timestamps: bool,
) -> String {
    let mut page = Page { text: String::new(), format, timestamps };
    for (name, family) in families {
        page.family(name, family);
    }
    if format == Format::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

struct Page {
    text: String,
    format: Format,
    timestamps: bool,
}

/// What the samples of one point share.
struct Of<'a> {
    /// The name without what OpenMetrics adds to it.
    name: &'a str,
    kind: MetricType,
    labels: &'a [Label],
}

impl Page {
    fn family(&mut self, name: &str, family: &Family) {
        let kind = MetricType::try_from(family.about.r#type).unwrap_or(MetricType::Unknown);
        let strict = self.format == Format::OpenMetrics;
        // OpenMetrics names the family without what its samples add.
        let shown = match kind {
            MetricType::Counter if strict => name.strip_suffix("_total").unwrap_or(name),
            MetricType::Info if strict => name.strip_suffix("_info").unwrap_or(name),
            _ => name,
        };
        let help = escaped(&family.about.help, strict);
        let (word, unit) = (self.word(kind), name::unit(&family.about.unit));
        let has_unit = !unit.is_empty() && shown.ends_with(&format!("_{unit}"));
        let text = &mut self.text;
        if strict {
            let _ = writeln!(text, "# TYPE {shown} {word}");
            if has_unit {
                let _ = writeln!(text, "# UNIT {shown} {unit}");
            }
            if !help.is_empty() {
                let _ = writeln!(text, "# HELP {shown} {help}");
            }
        } else {
            if !help.is_empty() {
                let _ = writeln!(text, "# HELP {shown} {help}");
            }
            let _ = writeln!(text, "# TYPE {shown} {word}");
        }
        for (labels, point) in &family.points {
            let of = Of { name, kind, labels };
            for (slot, sample) in &point.samples {
                self.sample(&of, *slot, sample);
            }
        }
    }

    fn word(&self, kind: MetricType) -> &'static str {
        match (kind, self.format) {
            (MetricType::Counter, _) => "counter",
            (MetricType::Gauge, _) => "gauge",
            (MetricType::Histogram, _) => "histogram",
            (MetricType::Summary, _) => "summary",
            (MetricType::Info, Format::OpenMetrics) => "info",
            (MetricType::Info | MetricType::StateSet, Format::Text) => "gauge",
            (MetricType::StateSet, Format::OpenMetrics) => "stateset",
            (MetricType::GaugeHistogram, Format::OpenMetrics) => "gaugehistogram",
            (MetricType::GaugeHistogram, Format::Text) => "histogram",
            (MetricType::Unknown, Format::OpenMetrics) => "unknown",
            (MetricType::Unknown, Format::Text) => "untyped",
        }
    }

    fn sample(&mut self, of: &Of<'_>, slot: Slot, sample: &Shown) {
        let (suffix, own) = match slot {
            Slot::Plain => ("", None),
            Slot::Bucket(bound) => ("_bucket", Some(("le", bound.0))),
            Slot::Quantile(quantile) => ("", Some(("quantile", quantile.0))),
            Slot::Sum => ("_sum", None),
            Slot::Count => ("_count", None),
        };
        let _ = write!(self.text, "{}{suffix}", of.name);
        self.labels(of.labels, own);
        let _ = write!(self.text, " {}", number(sample.value));
        if self.timestamps {
            self.time(sample.timestamp);
        }
        let bears_exemplars = matches!(
            (of.kind, slot),
            (MetricType::Counter, Slot::Plain) | (MetricType::Histogram, Slot::Bucket(_))
        );
        if let Some(exemplar) = sample.exemplar.as_ref().filter(|_| bears_exemplars) {
            self.exemplar(exemplar);
        }
        self.text.push('\n');
    }

    /// Names and values, the one that tells samples of a point apart last.
    fn labels(&mut self, labels: &[Label], own: Option<(&str, f64)>) {
        if labels.is_empty() && own.is_none() {
            return;
        }
        let mut between = '{';
        for Label { name, value } in labels {
            let _ = write!(self.text, "{between}{name}=\"{}\"", escaped(value, true));
            between = ',';
        }
        if let Some((name, bound)) = own {
            let mut bound = number(bound);
            // OpenMetrics wants a bound to be a float at sight.
            if self.format == Format::OpenMetrics
                && bound.bytes().all(|b| b.is_ascii_digit() || b == b'-')
            {
                bound.push_str(".0");
            }
            let _ = write!(self.text, "{between}{name}=\"{bound}\"");
        }
        self.text.push('}');
    }

    fn exemplar(&mut self, exemplar: &Exemplar) {
        if self.format == Format::Text {
            return;
        }
        self.text.push_str(" # ");
        if exemplar.labels.is_empty() {
            self.text.push_str("{}");
        }
        self.labels(&exemplar.labels, None);
        let _ = write!(self.text, " {}", number(exemplar.value));
        if exemplar.timestamp > 0 {
            self.time(exemplar.timestamp);
        }
    }

    /// Milliseconds in 0.0.4, seconds in OpenMetrics.
    fn time(&mut self, millis: i64) {
        let _ = match self.format {
            Format::Text => write!(self.text, " {millis}"),
            Format::OpenMetrics => {
                let (seconds, rest) = (millis.div_euclid(1000), millis.rem_euclid(1000));
                write!(self.text, " {seconds}.{rest:03}")
            }
        };
    }
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

/// Backslash and line feed, and quotes where they have a meaning.
fn escaped(text: &str, quotes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out
}
