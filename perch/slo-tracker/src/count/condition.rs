//! One condition on an attribute or label, ready to be asked often.

use std::fmt::Write as _;

use collector_otlp::view::AnyValueView;
use regex::Regex;
use slo::model::{Match, MatchOp};

/// Bytes a compiled expression may take: more is a sign of something nobody meant.
const MAX_REGEX: usize = 1 << 20;

/// A comparison with a text that is fixed.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Equal(Box<str>),
    NotEqual(Box<str>),
    Regex(Regex),
    NotRegex(Regex),
}

impl Test {
    /// Compiles a condition; the fault where its expression is none, or too large.
    pub(crate) fn of(m: &Match) -> Result<Self, String> {
        // As Prometheus does: the whole value, and a dot is any character.
        let regex = || {
            let mut builder = regex::RegexBuilder::new(&format!("^(?s:{})$", m.value));
            builder.size_limit(MAX_REGEX).build().map_err(|e| e.to_string())
        };
        Ok(match m.op {
            MatchOp::Equal => Self::Equal(m.value.as_str().into()),
            MatchOp::NotEqual => Self::NotEqual(m.value.as_str().into()),
            MatchOp::Regex => Self::Regex(regex()?),
            MatchOp::NotRegex => Self::NotRegex(regex()?),
        })
    }

    /// Whether it holds; what is absent is the empty text.
    pub(crate) fn holds(&self, value: &str) -> bool {
        match self {
            Self::Equal(text) => **text == *value,
            Self::NotEqual(text) => **text != *value,
            Self::Regex(regex) => regex.is_match(value),
            Self::NotRegex(regex) => !regex.is_match(value),
        }
    }
}

/// A value as text, written into `scratch` where it is no text.
pub(crate) fn text_of<'t>(value: Option<AnyValueView<'t>>, scratch: &'t mut String) -> &'t str {
    match value {
        None | Some(AnyValueView::Empty) => "",
        Some(AnyValueView::Str(text)) => text,
        Some(other) => {
            scratch.clear();
            // Writing to a text cannot fail.
            let _ = write!(scratch, "{other}");
            scratch
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(op: MatchOp, pattern: &str, value: &str) -> bool {
        let m = Match { name: "a".into(), op, value: pattern.into() };
        Test::of(&m).unwrap().holds(value)
    }

    #[test]
    fn conditions_are_prometheus_own() {
        for (pattern, value) in
            [("5..", "503"), ("5..", "5033"), ("a|b", "b"), ("a|b", "ab"), ("", ""), (".+", "")]
        {
            let m = |op| Match { name: "a".into(), op, value: pattern.into() };
            for op in [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex] {
                let want = slo::promql::matches(&m(op), value);
                assert_eq!(holds(op, pattern, value), want, "{pattern:?} {op:?} {value:?}");
            }
        }
        // Its own tongue says that a dot is any character; the parser that the rules are read with forgets it.
        assert!(holds(MatchOp::Regex, "a.b", "a\nb"));
    }

    #[test]
    fn values_that_are_no_text_are_compared_as_they_are_written() {
        let mut scratch = String::new();
        assert_eq!(text_of(Some(AnyValueView::Int(-503)), &mut scratch), "-503");
        assert_eq!(text_of(Some(AnyValueView::Bool(true)), &mut scratch), "true");
        assert_eq!(text_of(None, &mut scratch), "");
    }
}
