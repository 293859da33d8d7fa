//! One log record as Loki takes it.

use collector_otlp::view::{AnyValueView, LogRecordView};

use super::config::Limits;

/// The record's line: text as it is, everything else as JSON; the event's name where there is no body.
pub(super) fn line(record: &LogRecordView<'_>, limits: &Limits) -> String {
    let line = match record.body {
        AnyValueView::Empty => record.event_name.to_owned(),
        body => body.to_string(),
    };
    cut(line, limits.max_line_bytes)
}

/// Cuts a line between two characters and says how much is missing.
fn cut(mut line: String, max_bytes: usize) -> String {
    if line.len() <= max_bytes {
        return line;
    }
    let whole = line.len();
    let mark = |n_missing: usize| format!(" …[{n_missing} bytes cut]");
    // The mark for all of it is the longest there can be.
    let mut end = max_bytes.saturating_sub(mark(whole).len());
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    line.push_str(&mark(whole - end));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_between_characters_and_says_so() {
        let cut_to = |text: &str| cut(text.to_owned(), 40);
        assert_eq!(cut_to(&"a".repeat(40)), "a".repeat(40));
        assert_eq!(cut_to(&"a".repeat(1041)), "aaaaaaaaaaaaaaaaaaaa …[1021 bytes cut]");
        for n in 41..60 {
            let line = cut_to(&"é".repeat(n));
            assert!(line.len() <= 40 && line.ends_with(" bytes cut]"), "{line}");
        }
    }
}
