//! PromQL as an objective's author writes it: with `{{.window}}` where a range stands.

mod classify;
mod example;
mod lenient;
mod template;

pub use classify::{Countable, Shape, Term, Unit, classify};
pub use example::{example, matches};
pub use lenient::lenient;
pub use template::{fill, mentions_window, parse, split_ratio};

use promql_parser::parser::{self, Expr};

/// Every metric name that an expression reads; an expression that does not parse reads none.
#[must_use]
pub fn metric_names(expression: &str) -> Vec<String> {
    let mut names = Vec::new();
    if let Ok(expr) = parser::parse(expression) {
        collect(&expr, &mut names);
    }
    names.sort();
    names.dedup();
    names
}

fn collect(expr: &Expr, names: &mut Vec<String>) {
    let selector = |vs: &parser::VectorSelector, names: &mut Vec<String>| {
        names.extend(vs.name.clone());
        let by_label = vs.matchers.matchers.iter().filter(|m| m.name == "__name__");
        names.extend(by_label.map(|m| m.value.clone()));
    };
    match expr {
        Expr::Aggregate(e) => {
            collect(&e.expr, names);
            if let Some(param) = &e.param {
                collect(param, names);
            }
        }
        Expr::Unary(e) => collect(&e.expr, names),
        Expr::Binary(e) => {
            collect(&e.lhs, names);
            collect(&e.rhs, names);
        }
        Expr::Paren(e) => collect(&e.expr, names),
        Expr::Subquery(e) => collect(&e.expr, names),
        Expr::VectorSelector(vs) => selector(vs, names),
        Expr::MatrixSelector(ms) => selector(&ms.vs, names),
        Expr::Call(call) => call.args.args.iter().for_each(|arg| collect(arg, names)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

#[cfg(test)]
mod tests;
