//! Periods of OpenSLO: rolling, and stretches of the calendar in UTC.

use crate::finding::{At, Code, Spot};
use crate::length::Length;
use crate::model::{Calendar, Period};
use crate::yaml::{Cx, Fields, Tree};

use super::unsupported;

/// A duration as OpenSLO writes it, where `M` is a month and `m` a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duration {
    /// So much time.
    Fixed(Length),
    /// One of the calendar's stretches, so many times.
    Months(u64),
}

/// Reads `timeWindow: [{duration, isRolling, calendar}]`.
pub(super) fn read_window(cx: &mut Cx<'_>, items: &[Tree], at: At) -> Option<Period> {
    let [item] = items else {
        cx.error(Code::BadValue, at, "`timeWindow` is a list of exactly one window");
        return None;
    };
    let mut fields = Fields::of(cx, item, "a time window")?;
    let text = fields.need_text(cx, &["duration"]);
    let rolling = fields.flag(cx, &["isRolling"]);
    let calendar = fields.get(&["calendar"]);
    fields.finish(cx);
    let text = text?;
    let Some(duration) = parse(&text.value) else {
        let message = format!("`{}` is no duration such as 28d, 4w or 1M", text.value);
        cx.error(Code::BadValue, text.at, message);
        return None;
    };
    match calendar {
        None if rolling.as_ref().is_some_and(|r| !r.value) => {
            cx.error(Code::MissingKey, item.at, "a window that does not roll needs `calendar`");
            None
        }
        None => Some(Period::Rolling(rolling_length(cx, duration, text.at))),
        Some(tree) if rolling.as_ref().is_some_and(|r| r.value) => {
            cx.error(Code::BadValue, tree.at, "a rolling window has no `calendar`");
            None
        }
        Some(tree) => read_calendar(cx, tree, duration, text.at).map(Period::Calendar),
    }
}

/// A rolling month is 30 days, a quarter 90, a year 365.
fn rolling_length(cx: &mut Cx<'_>, duration: Duration, at: At) -> Length {
    match duration {
        Duration::Fixed(length) => length,
        Duration::Months(n) => {
            let days = if n.is_multiple_of(12) { n / 12 * 365 } else { n * 30 };
            let length = Length(days * 86_400);
            cx.note(Code::Default, at, format!("a rolling window of {n} month(s) is {length}"));
            length
        }
    }
}

/// Reads a duration.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.len().checked_sub(1)?);
    let months = match unit {
        "M" => 1,
        "Q" => 3,
        "Y" | "y" => 12,
        _ => return Length::parse(text).filter(|l| l.0 > 0).map(Duration::Fixed),
    };
    let n: u64 = number.parse().ok()?;
    (n > 0 && n < 1_000).then_some(Duration::Months(n * months))
}

fn read_calendar(cx: &mut Cx<'_>, tree: &Tree, duration: Duration, at: At) -> Option<Calendar> {
    let mut fields = Fields::of(cx, tree, "`calendar`")?;
    let start = fields.need_text(cx, &["startTime"]);
    let zone = fields.need_text(cx, &["timeZone"]);
    fields.finish(cx);
    let (start, zone) = (start?, zone?);
    let Some(date) = Date::parse(&start.value) else {
        let message = format!("`{}` is no time such as 2026-01-01 00:00:00", start.value);
        cx.error(Code::BadValue, start.at, message);
        return None;
    };
    if !["UTC", "Etc/UTC", "GMT", "Z"].contains(&zone.value.as_str()) {
        unsupported(cx, zone.at, &format!("the time zone `{}` (UTC is)", zone.value));
        return None;
    }
    let calendar = match duration {
        Duration::Fixed(Length::DAY) => Calendar::Day,
        Duration::Fixed(Length(604_800)) => Calendar::Week,
        Duration::Months(1) => Calendar::Month,
        Duration::Months(3) => Calendar::Quarter,
        Duration::Fixed(_) | Duration::Months(_) => {
            unsupported(cx, at, "a calendar window other than 1d, 1w, 1M and 1Q");
            return None;
        }
    };
    check_start(cx, calendar, &date, &start)?;
    Some(calendar)
}

/// A window begins where the calendar's stretch does.
fn check_start(
    cx: &mut Cx<'_>,
    calendar: Calendar,
    date: &Date,
    start: &Spot<String>,
) -> Option<()> {
    let on_time = match calendar {
        Calendar::Day => true,
        Calendar::Week => date.is_monday(),
        Calendar::Month => date.day == 1,
        Calendar::Quarter => date.day == 1 && date.month % 3 == 1,
    };
    if on_time && date.at_midnight {
        return Some(());
    }
    let what = format!(
        "a window that begins at {} (midnight, Monday, the first of a month or quarter are)",
        start.value
    );
    unsupported(cx, start.at, &what);
    None
}

struct Date {
    year: i64,
    month: i64,
    day: i64,
    at_midnight: bool,
}

impl Date {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
        let mut parts = date.split('-').map(|p| p.parse::<i64>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let sound = (1..=12).contains(&month) && (1..=31).contains(&day) && parts.next().is_none();
        let at_midnight =
            time.trim_end_matches('Z').split([':', '.']).all(|p| p.bytes().all(|b| b == b'0'));
        sound.then_some(Self { year, month, day, at_midnight })
    }

    /// Sakamoto's day of the week.
    fn is_monday(&self) -> bool {
        const SHIFT: [i64; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = if self.month < 3 { self.year - 1 } else { self.year };
        let shift = usize::try_from(self.month - 1).ok().and_then(|i| SHIFT.get(i));
        let day = year + year / 4 - year / 100 + year / 400 + shift.unwrap_or(&0) + self.day;
        day.rem_euclid(7) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_tell_months_from_minutes() {
        assert_eq!(parse("28d"), Some(Duration::Fixed(Length(28 * 86_400))));
        assert_eq!(parse("1M"), Some(Duration::Months(1)));
        assert_eq!(parse("5m"), Some(Duration::Fixed(Length(300))));
        assert_eq!(parse("1Q"), Some(Duration::Months(3)));
        assert_eq!(parse(""), None);
        assert_eq!(parse("M"), None);
    }

    #[test]
    fn mondays_are_known() {
        let monday = |text| Date::parse(text).unwrap().is_monday();
        assert!(monday("2026-08-10") && monday("2024-02-26 00:00:00") && !monday("2026-08-09"));
    }
}
