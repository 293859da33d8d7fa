//! `{{.window}}`, with any spaces inside the braces, is the only template there is.

use promql_parser::parser::token::T_DIV;
use promql_parser::parser::{self, Expr};

use crate::length::Length;

/// A range that nobody writes by hand: it marks where the template stood.
pub(super) const MARK: Length = Length(98_765_431);

/// The pieces between the templates.
fn pieces(query: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = query;
    let mut from = 0;
    while let Some(open) = rest[from..].find("{{").map(|i| i + from) {
        let inner = &rest[open + 2..];
        match inner.find("}}") {
            Some(close) if inner[..close].trim() == ".window" => {
                pieces.push(&rest[..open]);
                rest = &inner[close + 2..];
                from = 0;
            }
            _ => from = open + 2,
        }
    }
    pieces.push(rest);
    pieces
}

/// Whether the template is mentioned.
#[must_use]
pub fn mentions_window(query: &str) -> bool {
    pieces(query).len() > 1
}

/// The query over a window.
#[must_use]
pub fn fill(query: &str, window: Length) -> String {
    pieces(query).join(&window.to_string())
}

/// Parses a query with templates; the parser's own words otherwise.
pub fn parse(query: &str) -> Result<Expr, String> {
    parser::parse(&fill(query, MARK))
}

/// The two sides of a query that is one sum over another, each with its templates.
#[must_use]
pub fn split_ratio(query: &str) -> Option<(String, String)> {
    let mark = parser::parse(&format!("x[{MARK}]")).ok()?.to_string();
    let mark = mark.strip_prefix("x[")?.strip_suffix(']')?;
    let show = |e: &Expr| e.to_string().replace(mark, "{{.window}}");
    let mut expr = &parse(query).ok()?;
    while let Expr::Paren(inner) = expr {
        expr = &inner.expr;
    }
    match expr {
        Expr::Binary(e) if e.op.id() == T_DIV => Some((show(&e.lhs), show(&e.rhs))),
        _ => None,
    }
}
