//! Which metrics a PromQL query names: a lexer that knows where in a query a name is a metric's.
//!
//! # Not here
//! Judging the query: Prometheus does that. What is no PromQL gives some names, never a panic.
//! Grafana's variables (`$service`, `${__from:date}`, `[[x]]`) may stand where values and durations do.

/// A metric as a query names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selector {
    /// By its whole name.
    Name(String),
    /// By an expression over `__name__` that begins with these letters.
    Prefix(String),
}

/// Words that are operators, modifiers or numbers.
const KEYWORDS: [&str; 8] = ["and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"];
/// Words that a list of labels may follow.
const LABEL_LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// All metrics that `query` names, sorted, each once.
pub fn metrics(query: &str) -> Vec<Selector> {
    let tokens = tokens(query);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            Token::Open('{') => at = in_braces(&tokens, at, &mut found),
            // A duration, or a step.
            Token::Open('[') => at = past(&tokens, at, ']'),
            Token::Word(word) => {
                let opens = tokens.get(at) == Some(&Token::Open('('));
                // `sum by (job) (…)`: the labels may come first.
                let is_called =
                    opens || matches!(tokens.get(at), Some(Token::Word(next)) if is_grouping(next));
                let lower = word.to_ascii_lowercase();
                if LABEL_LISTS.contains(&lower.as_str()) {
                    at = if opens { past(&tokens, at + 1, ')') } else { at };
                } else if !is_called && !KEYWORDS.contains(&lower.as_str()) {
                    found.push(Selector::Name(word.clone()));
                }
            }
            _ => {}
        }
    }
    found.sort();
    found.dedup();
    found
}

fn is_grouping(word: &str) -> bool {
    word.eq_ignore_ascii_case("by") || word.eq_ignore_ascii_case("without")
}

/// Reads matchers up to the closing brace: a quoted name that stands alone, and `__name__`.
fn in_braces(tokens: &[Token], mut at: usize, found: &mut Vec<Selector>) -> usize {
    while let Some(token) = tokens.get(at) {
        at += 1;
        match (token, tokens.get(at), tokens.get(at + 1)) {
            (Token::Close('}'), ..) => break,
            (Token::Text(name), Some(Token::Close('}') | Token::Other(',')), _) => {
                found.push(Selector::Name(name.clone()));
            }
            (Token::Word(label), Some(Token::Other(op)), Some(Token::Text(value))) => {
                if label == "__name__" {
                    found.extend(by_matcher(*op, value));
                }
                at += 2;
            }
            _ => {}
        }
    }
    at
}

fn by_matcher(op: char, value: &str) -> Vec<Selector> {
    match op {
        '=' => vec![Selector::Name(value.to_owned())],
        '~' if !value.contains(['(', '[', '{']) => value.split('|').map(by_pattern).collect(),
        '~' => vec![by_pattern(value)],
        _ => Vec::new(),
    }
}

fn by_pattern(pattern: &str) -> Selector {
    match pattern.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')) {
        Some(end) => Selector::Prefix(pattern[..end].to_owned()),
        None => Selector::Name(pattern.to_owned()),
    }
}

fn past(tokens: &[Token], mut at: usize, close: char) -> usize {
    while let Some(token) = tokens.get(at) {
        at += 1;
        if *token == Token::Close(close) {
            break;
        }
    }
    at
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Open(char),
    Close(char),
    /// Any other sign. Matchers keep one letter: `=`, `~` for `=~`, `!` for both negations.
    Other(char),
}

fn tokens(query: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = query.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '#' => while rest.next().is_some_and(|c| c != '\n') {},
            '"' | '\'' | '`' => out.push(Token::Text(text(&mut rest, c))),
            '$' => variable(&mut rest),
            // Numbers and durations: `5m`, `1e3`, `0x1f`.
            '0'..='9' | '.' => {
                while rest.next_if(|c| c.is_alphanumeric() || *c == '.').is_some() {}
            }
            c if c.is_alphabetic() || c == '_' || c == ':' => {
                let mut word = String::from(c);
                while let Some(c) = rest.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
                {
                    word.push(c);
                }
                out.push(Token::Word(word));
            }
            '(' | '[' | '{' => out.push(Token::Open(c)),
            ')' | ']' | '}' => out.push(Token::Close(c)),
            '=' => {
                let regex = rest.next_if_eq(&'~').is_some();
                out.push(Token::Other(if regex { '~' } else { '=' }));
            }
            '!' => {
                rest.next_if(|c| matches!(c, '=' | '~'));
                out.push(Token::Other('!'));
            }
            c if c.is_whitespace() => {}
            c => out.push(Token::Other(c)),
        }
    }
    out
}

fn text(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char) -> String {
    let mut out = String::new();
    while let Some(c) = rest.next() {
        match c {
            c if c == quote => break,
            '\\' if quote != '`' => out.extend(rest.next()),
            c => out.push(c),
        }
    }
    out
}

/// Skips one of Grafana's variables; its `$` is read already.
fn variable(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if rest.next_if_eq(&'{').is_some() {
        while rest.next().is_some_and(|c| c != '}') {}
    } else {
        while rest.next_if(|c| c.is_alphanumeric() || *c == '_').is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(query: &str) -> Vec<String> {
        metrics(query)
            .into_iter()
            .map(|s| match s {
                Selector::Name(name) => name,
                Selector::Prefix(prefix) => format!("{prefix}*"),
            })
            .collect()
    }

    #[test]
    fn names_are_told_from_functions_labels_values_and_keywords() {
        for (query, want) in [
            ("up", &["up"][..]),
            ("sum by (job, le) (rate(a_bucket{job=~\"x|y\", le='b_total'}[5m]))", &["a_bucket"]),
            ("sum(rate(a[5m])) by (job) / on (job) group_left (b) c", &["a", "c"]),
            ("a / on(x) group_left c", &["a", "c"]),
            ("a:b:ratio_rate5m offset 1d or vector(0)", &["a:b:ratio_rate5m"]),
            ("a > bool 1e3 and b unless inf", &["a", "b"]),
            ("max_over_time(rate(a[5m])[1h:30s] @ end())", &["a"]),
            ("{\"dotted.name\", x=\"1\"}", &["dotted.name"]),
            ("{x=\"1\", \"dotted.name\"}", &["dotted.name"]),
            ("{__name__=\"a\", x=\"b\"}", &["a"]),
            ("{__name__=~\"slo:sli_error:ratio_rate.+\"}", &["slo:sli_error:ratio_rate*"]),
            ("{__name__=~\"a|b.*\"}", &["a", "b*"]),
            ("{__name__!=\"a\", job=\"b\"}", &[]),
            ("a # b\n + c", &["a", "c"]),
            ("label_replace(a, \"x\", \"$1\", \"y\", \"(b)\")", &["a"]),
            ("rate(a{job=~\"$job\"}[$__rate_interval]) > ${limit:raw} - $x", &["a"]),
            ("time() - ${__from:date:seconds}", &[]),
        ] {
            assert_eq!(shown(query), want, "{query}");
        }
    }

    #[test]
    fn what_is_no_query_ends_too() {
        for query in ["", "{", "a{b=\"", "sum by (", "a[", "${", "\"\\", "{__name__="] {
            metrics(query);
        }
    }
}
