//! An indicator of spans: `perch.dev/spans/v1` in Sloth's form, `perch-spans` in OpenSLO's.
//!
//! Keys: `service`, `name`, `kind`, `attributes`, `goodWhen`, `threshold`, `groupBy`. Where a format allows
//! text only, conditions are written as `http.route="/api", http.request.method=~"GET|POST"` and a
//! list as `a, b`.

use crate::finding::{At, Code};
use crate::model::{Match, MatchOp, Spans};
use crate::yaml::{Cx, Fields, Tree, Value};

/// The id of the plugin.
pub(super) const ID: &str = "perch.dev/spans/v1";

const KINDS: [&str; 5] = ["server", "client", "internal", "producer", "consumer"];

/// Reads the options of an indicator of spans.
pub(super) fn read(cx: &mut Cx<'_>, tree: &Tree) -> Option<Spans> {
    let mut fields = Fields::of(cx, tree, "an indicator of spans")?;
    // Where a plugin has no options, its own keys are what is seen here.
    if tree.get("id").is_some() {
        cx.error(Code::MissingKey, tree.at, "an indicator of spans needs `options`");
        return None;
    }
    let service = fields.text(cx, &["service"]);
    let name = fields.text(cx, &["name"]);
    let kind = fields.text(cx, &["kind"]);
    let attributes = fields.get(&["attributes"]);
    let good_when = fields.get(&["goodWhen", "good_when"]);
    let threshold = fields.text(cx, &["threshold"]);
    let group_by = fields.get(&["groupBy", "group_by"]);
    let at = fields.at;
    fields.finish(cx);
    if service.is_none() && name.is_none() && attributes.is_none() {
        let message = "an indicator of spans needs `service`, `name` or `attributes`";
        cx.error(Code::MissingKey, at, message);
        return None;
    }
    if let Some(kind) = &kind
        && !KINDS.contains(&kind.value.as_str())
    {
        let message = format!("`{}` is no kind of span: {}", kind.value, KINDS.join(", "));
        cx.error(Code::BadValue, kind.at, message);
        return None;
    }
    let threshold_ms = match threshold {
        None => None,
        Some(text) => match milliseconds(&text.value) {
            Some(ms) => Some(ms),
            None => {
                let message =
                    format!("`threshold` is a time such as 250ms or 10s, not `{}`", text.value);
                cx.error(Code::BadValue, text.at, message);
                return None;
            }
        },
    };
    Some(Spans {
        service: service.map(|t| t.value),
        name: name.map(|t| t.value),
        kind: kind.map(|t| t.value),
        attributes: conditions(cx, attributes)?,
        good_when: conditions(cx, good_when)?,
        threshold_ms,
        group_by: names(cx, group_by)?,
        at,
    })
}

fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim() {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        _ => return None,
    };
    let ms = number.parse::<f64>().ok()? * scale;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range is checked")]
    (1.0..=1e12).contains(&ms).then_some(ms.round() as u64)
}

fn conditions(cx: &mut Cx<'_>, tree: Option<&Tree>) -> Option<Vec<Match>> {
    let Some(tree) = tree else { return Some(Vec::new()) };
    let text = match &tree.value {
        Value::Text(text) => text,
        Value::Map(entries) => {
            let equal = |(key, value): &(_, Tree)| {
                let name: &crate::finding::Spot<String> = key;
                let value = value.as_text()?;
                Some(Match { name: name.value.clone(), op: MatchOp::Equal, value })
            };
            return entries.iter().map(equal).collect::<Option<Vec<_>>>().or_else(|| {
                cx.error(Code::BadValue, tree.at, "an attribute is compared with text");
                None
            });
        }
        _ => {
            cx.error(
                Code::BadValue,
                tree.at,
                "conditions are text such as `a=\"b\"`, or a mapping",
            );
            return None;
        }
    };
    let mut all = Vec::new();
    for part in split(text) {
        match condition(part) {
            Some(m) => all.push(m),
            None => {
                bad_condition(cx, tree.at, part);
                return None;
            }
        }
    }
    Some(all)
}

fn bad_condition(cx: &mut Cx<'_>, at: At, part: &str) {
    let hint = "write name=\"value\", or with !=, =~ or !~";
    cx.error_with(Code::BadValue, at, format!("`{part}` is no condition"), hint);
}

/// Cuts at commas outside quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut quoted) = (Vec::new(), 0, false);
    for (i, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(text[from..i].trim());
                from = i + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|p| !p.is_empty());
    parts
}

fn condition(part: &str) -> Option<Match> {
    let at = part.find(['=', '!'])?;
    let (name, rest) = part.split_at(at);
    let ops = [
        ("!=", MatchOp::NotEqual),
        ("=~", MatchOp::Regex),
        ("!~", MatchOp::NotRegex),
        ("=", MatchOp::Equal),
    ];
    let (text, op) = ops.into_iter().find(|(text, _)| rest.starts_with(text))?;
    let value = rest[text.len()..].trim();
    let value = value.strip_prefix('"').map_or(Some(value), |v| v.strip_suffix('"'))?;
    let name = name.trim();
    let is_regex = matches!(op, MatchOp::Regex | MatchOp::NotRegex);
    let sound = !is_regex || regex_syntax::parse(value).is_ok();
    (!name.is_empty() && sound).then(|| Match { name: name.into(), op, value: value.into() })
}

fn names(cx: &mut Cx<'_>, tree: Option<&Tree>) -> Option<Vec<String>> {
    let Some(tree) = tree else { return Some(Vec::new()) };
    match &tree.value {
        Value::Text(text) => Some(split(text).into_iter().map(str::to_owned).collect()),
        Value::List(items) => items.iter().map(Tree::as_text).collect(),
        _ => {
            cx.error(Code::BadValue, tree.at, "`groupBy` is a list of attributes");
            None
        }
    }
}
