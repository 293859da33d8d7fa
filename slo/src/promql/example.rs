//! Label values that satisfy matchers, for the series of generated tests.

use promql_parser::label::Matcher;
use promql_parser::parser::token::{T_EQL_REGEX, T_NEQ_REGEX, TokenId};
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::model::{Match, MatchOp};

/// Values to try where a matcher only says what a value must not be; the empty one is no label.
const CANDIDATES: [&str; 8] = ["", "200", "ok", "success", "true", "GET", "other", "x"];

/// Whether a value satisfies a matcher; an expression that is no regular expression matches nothing.
#[must_use]
pub fn matches(m: &Match, value: &str) -> bool {
    match m.op {
        MatchOp::Equal => m.value == value,
        MatchOp::NotEqual => m.value != value,
        MatchOp::Regex => regex(m, T_EQL_REGEX, value),
        MatchOp::NotRegex => regex(m, T_NEQ_REGEX, value),
    }
}

fn regex(m: &Match, op: TokenId, value: &str) -> bool {
    Matcher::new_matcher(op, m.name.clone(), m.value.clone()).is_ok_and(|r| r.is_match(value))
}

/// A value that satisfies every one of `wanted` and none of `unwanted`; empty means no label.
#[must_use]
pub fn example(wanted: &[&Match], unwanted: &[&Match]) -> Option<String> {
    let from_wanted = wanted.iter().filter_map(|m| match m.op {
        MatchOp::Equal => Some(m.value.clone()),
        MatchOp::Regex => regex_syntax::parse(&m.value).ok().map(|hir| shortest(&hir)),
        MatchOp::NotEqual | MatchOp::NotRegex => None,
    });
    // What a value must not match by a negative matcher is what it may be here.
    let from_unwanted = unwanted.iter().filter_map(|m| match m.op {
        MatchOp::NotEqual => Some(m.value.clone()),
        MatchOp::NotRegex => regex_syntax::parse(&m.value).ok().map(|hir| shortest(&hir)),
        MatchOp::Equal | MatchOp::Regex => None,
    });
    let mut all = from_wanted.chain(from_unwanted).chain(CANDIDATES.map(str::to_owned));
    all.find(|value| {
        wanted.iter().all(|m| matches(m, value)) && !unwanted.iter().any(|m| matches(m, value))
    })
}

/// A short text that the expression matches, letters and digits where it leaves a choice.
fn shortest(hir: &Hir) -> String {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => String::new(),
        HirKind::Literal(literal) => String::from_utf8_lossy(&literal.0).into_owned(),
        HirKind::Class(Class::Unicode(class)) => {
            let within = |c: char| class.iter().any(|r| r.start() <= c && c <= r.end());
            let plain = ('0'..='9').chain('a'..='z').chain('A'..='Z').find(|c| within(*c));
            plain
                .or_else(|| class.iter().next().map(|r| r.start()))
                .map(String::from)
                .unwrap_or_default()
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.iter().next().map(|r| char::from(r.start()).to_string()).unwrap_or_default()
        }
        HirKind::Repetition(r) => shortest(&r.sub).repeat(r.min.min(64) as usize),
        HirKind::Capture(c) => shortest(&c.sub),
        HirKind::Concat(parts) => parts.iter().map(shortest).collect(),
        HirKind::Alternation(parts) => parts.first().map(shortest).unwrap_or_default(),
    }
}
