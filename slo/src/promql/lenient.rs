//! Sums and differences of counters of which some may not exist (yet): those count as 0.
//!
//! PromQL's `+` and `-` answer only where both sides do, so a total written as `sent + dropped` would
//! vanish until the first drop. Here every term is one part of a union, told apart by a label that the
//! sum takes away again; the text grows by one part per term.
//!
//! # Invariants
//! 1. Where no positive term exists there is no value: what is missing is not 0.
//! 2. A group (of the labels kept apart) that only some terms have is answered like any other.

use std::fmt::Write as _;

use crate::length::Length;

use super::{Countable, Term, Unit};

/// Tells the parts of a union apart; no author's label begins with two underscores.
const PART: &str = "__slo_term__";

/// The expression over a window, in parentheses.
#[must_use]
pub fn lenient(of: &Countable, window: Length) -> String {
    let (negative, positive): (Vec<&Term>, Vec<&Term>) = of.terms.iter().partition(|t| t.negative);
    let plus = union(&positive, of, window);
    if negative.is_empty() {
        return format!("({plus})");
    }
    let minus = union(&negative, of, window);
    // `-` binds tighter than `or`: the difference where both exist, else what there is to take from.
    format!("({plus} - on({}) {minus} or {plus})", of.by.join(", "))
}

/// The sum of those terms that exist.
fn union(terms: &[&Term], of: &Countable, window: Length) -> String {
    if let [one] = terms {
        return sum(one, of, window);
    }
    let parts: Vec<String> = terms
        .iter()
        .enumerate()
        .map(|(n, term)| {
            let sum = sum(term, of, window);
            format!("label_replace({sum}, \"{PART}\", \"{n}\", \"\", \"\")")
        })
        .collect();
    format!("{}({})", aggregation(of), parts.join(" or "))
}

fn aggregation(of: &Countable) -> String {
    match &of.by[..] {
        [] => "sum".to_owned(),
        by => format!("sum by ({}) ", by.join(", ")),
    }
}

fn sum(term: &Term, of: &Countable, window: Length) -> String {
    let function = match of.unit {
        Unit::Rate => "rate",
        Unit::Increase => "increase",
    };
    format!("{}({function}({}[{window}]))", aggregation(of), selector(term))
}

/// The term's series as PromQL. A name of today's free form stands among the matchers.
fn selector(term: &Term) -> String {
    let classic = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let bare =
        term.metric.chars().all(classic) && !term.metric.starts_with(|c: char| c.is_ascii_digit());
    let mut matchers: Vec<String> = Vec::new();
    if !bare {
        matchers.push(format!("__name__={}", quoted(&term.metric)));
    }
    matchers.extend(
        term.matchers.iter().map(|m| format!("{}{}{}", m.name, m.op.as_str(), quoted(&m.value))),
    );
    let name = if bare { term.metric.as_str() } else { "" };
    match matchers.is_empty() {
        true => name.to_owned(),
        false => format!("{name}{{{}}}", matchers.join(",")),
    }
}

/// A string of PromQL.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Shape, classify};
    use super::*;

    fn lenient_of(query: &str) -> String {
        let Shape::Countable(of) = classify(query) else { panic!("{query}") };
        let text = lenient(&of, Length(300));
        promql_parser::parser::parse(&text).unwrap();
        text
    }

    #[test]
    fn a_sum_is_a_union_and_grows_by_one_part_per_term() {
        let one = |metric: &str| format!("sum(rate({metric}[{{{{.window}}}}]))");
        assert_eq!(
            lenient_of(&format!("{} + {}", one("a"), one("b{c=\"d\"}"))),
            "(sum(label_replace(sum(rate(a[5m])), \"__slo_term__\", \"0\", \"\", \"\") or label_replace(sum(rate(b{c=\"d\"}[5m])), \"__slo_term__\", \"1\", \"\", \"\")))"
        );
        let length = |n: usize| lenient_of(&vec![one("metric"); n].join(" + ")).len();
        assert_eq!(length(9) - length(8), length(8) - length(7));
    }

    #[test]
    fn a_difference_keeps_what_there_is_to_take_from() {
        assert_eq!(
            lenient_of(
                "sum by (x) (increase(a[{{.window}}])) - sum by (x) (increase(b[{{.window}}]))"
            ),
            "(sum by (x) (increase(a[5m])) - on(x) sum by (x) (increase(b[5m])) or sum by (x) (increase(a[5m])))"
        );
    }

    #[test]
    fn values_and_names_are_quoted_as_promql_does() {
        let text = lenient_of(
            r#"sum(rate({__name__="a.b",c=~"\\d\"\n"}[{{.window}}])) - sum(rate(b[{{.window}}]))"#,
        );
        assert!(
            text.starts_with(
                r#"(sum(rate({__name__="a.b",c=~"\\d\"\n"}[5m])) - on() sum(rate(b[5m])) or "#
            ),
            "{text}"
        );
    }
}
