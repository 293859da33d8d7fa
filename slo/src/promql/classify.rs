//! Which expressions count events in a way that can be followed without Prometheus.

use std::time::Duration;

use promql_parser::label::MatchOp as ParsedOp;
use promql_parser::parser::token::{T_ADD, T_DIV, T_SUB, T_SUM};
use promql_parser::parser::{Expr, LabelModifier, VectorSelector};

use crate::model::{Match, MatchOp};

use super::template::MARK;

/// What an expression is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Sums and differences of counters over the window.
    Countable(Countable),
    /// One such sum over another.
    Ratio(Countable, Countable),
    /// Anything else, and why.
    RulesOnly(String),
}

/// Sums and differences of counters over the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countable {
    /// The counters.
    pub terms: Vec<Term>,
    /// Whether the sum is per second or over the window.
    pub unit: Unit,
    /// The labels that are kept apart, sorted.
    pub by: Vec<String>,
}

/// One counter of a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Whether it is taken away.
    pub negative: bool,
    /// The metric.
    pub metric: String,
    /// Which of its series.
    pub matchers: Vec<Match>,
}

/// What the number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Events per second.
    Rate,
    /// Events in the window.
    Increase,
}

/// Says what a query is.
#[must_use]
pub fn classify(query: &str) -> Shape {
    let expr = match super::parse(query) {
        Ok(expr) => expr,
        Err(message) => return Shape::RulesOnly(message),
    };
    match &expr {
        Expr::Binary(e) if e.op.id() == T_DIV && e.modifier.is_none() => {
            match (countable(&e.lhs), countable(&e.rhs)) {
                (Ok(bad), Ok(total)) if bad.by == total.by => Shape::Ratio(bad, total),
                (Ok(_), Ok(_)) => Shape::RulesOnly("the two sides keep other labels apart".into()),
                (Err(why), _) | (_, Err(why)) => Shape::RulesOnly(why),
            }
        }
        Expr::Paren(inner) => match bare(&inner.expr) {
            Expr::Binary(e) if e.op.id() == T_DIV && e.modifier.is_none() => {
                match (countable(&e.lhs), countable(&e.rhs)) {
                    (Ok(bad), Ok(total)) if bad.by == total.by => Shape::Ratio(bad, total),
                    (Err(why), _) | (_, Err(why)) => Shape::RulesOnly(why),
                    _ => Shape::RulesOnly("the two sides keep other labels apart".into()),
                }
            }
            inner => countable(inner).map_or_else(Shape::RulesOnly, Shape::Countable),
        },
        expr => countable(expr).map_or_else(Shape::RulesOnly, Shape::Countable),
    }
}

/// The expression without its parentheses.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => bare(&inner.expr),
        other => other,
    }
}

fn countable(expr: &Expr) -> Result<Countable, String> {
    match bare(expr) {
        Expr::Binary(e) if e.op.id() == T_ADD || e.op.id() == T_SUB => {
            if e.modifier.as_ref().is_some_and(|m| m.matching.is_some()) {
                return Err("a sum that matches by chosen labels".into());
            }
            let (mut left, mut right) = (countable(&e.lhs)?, countable(&e.rhs)?);
            if left.unit != right.unit {
                return Err("a sum of a rate and an increase".into());
            }
            if left.by != right.by {
                return Err("a sum of sides that keep other labels apart".into());
            }
            if e.op.id() == T_SUB {
                right.terms.iter_mut().for_each(|t| t.negative = !t.negative);
            }
            left.terms.append(&mut right.terms);
            Ok(left)
        }
        Expr::Aggregate(e) if e.op.id() == T_SUM => {
            let mut by = match &e.modifier {
                None => Vec::new(),
                Some(LabelModifier::Include(labels)) => labels.labels.clone(),
                Some(LabelModifier::Exclude(_)) => return Err("`sum without`".into()),
            };
            by.sort();
            by.dedup();
            Ok(Countable { by, ..counter(bare(&e.expr))? })
        }
        Expr::Aggregate(e) => Err(format!("the aggregation `{}`", e.op)),
        Expr::Call(call) => Err(format!("`{}` outside a sum", call.func.name)),
        Expr::Binary(e) => Err(format!("the operator `{}`", e.op)),
        Expr::NumberLiteral(_) => Err("a number".into()),
        _ => Err("a selector outside `rate` or `increase`".into()),
    }
}

fn counter(expr: &Expr) -> Result<Countable, String> {
    let Expr::Call(call) = expr else {
        return Err("a sum over something else than `rate` or `increase`".into());
    };
    let unit = match call.func.name {
        "rate" => Unit::Rate,
        "increase" => Unit::Increase,
        other => return Err(format!("the function `{other}`")),
    };
    let Some(Expr::MatrixSelector(ms)) = call.args.args.first().map(|arg| bare(arg)) else {
        return Err("a rate over something else than a metric".into());
    };
    if ms.range != Duration::from_secs(MARK.0) {
        return Err("a range other than `{{.window}}`".into());
    }
    let (metric, matchers) = selector(&ms.vs)?;
    let terms = vec![Term { negative: false, metric, matchers }];
    Ok(Countable { terms, unit, by: Vec::new() })
}

fn selector(vs: &VectorSelector) -> Result<(String, Vec<Match>), String> {
    if vs.offset.is_some() || vs.at.is_some() {
        return Err("an offset or `@`".into());
    }
    if !vs.matchers.or_matchers.is_empty() {
        return Err("`or` between matchers".into());
    }
    let mut metric = vs.name.clone();
    let mut matchers = Vec::new();
    for m in &vs.matchers.matchers {
        let op = match &m.op {
            ParsedOp::Equal => MatchOp::Equal,
            ParsedOp::NotEqual => MatchOp::NotEqual,
            ParsedOp::Re(_) => MatchOp::Regex,
            ParsedOp::NotRe(_) => MatchOp::NotRegex,
        };
        if m.name == "__name__" && op == MatchOp::Equal {
            metric = Some(m.value.clone());
        } else {
            matchers.push(Match { name: m.name.clone(), op, value: m.value.clone() });
        }
    }
    if matchers.iter().any(|m| m.name == "__name__") {
        return Err("a metric that is not named outright".into());
    }
    let metric = metric.ok_or("a selector without a metric")?;
    Ok((metric, matchers))
}
