//! When the current day, week, month or quarter began, in UTC.

use slo::model::Calendar;

const DAY: u64 = 86_400;

/// Seconds since the epoch at which the stretch of the calendar began that holds `now`.
#[must_use]
pub fn begin(calendar: Calendar, now: u64) -> u64 {
    let days = now / DAY;
    let first = match calendar {
        Calendar::Day => days,
        // The first of January 1970 was a Thursday; weeks begin on Monday. The days before the first Monday are one.
        Calendar::Week => days.saturating_sub((days + 3) % 7),
        Calendar::Month => days - (civil(days).1 - 1),
        Calendar::Quarter => {
            let (month, day) = civil(days);
            let mut first = days - (day - 1);
            let mut back = (month - 1) % 3;
            while back > 0 {
                first -= civil(first - 1).1;
                back -= 1;
            }
            first
        }
    };
    first * DAY
}

/// Month and day of the month of a day since the epoch (the proleptic Gregorian calendar, in eras of 400 years that
/// begin in March, so that the leap day is the last of its year).
fn civil(days: u64) -> (u64, u64) {
    let of_era = (days + 719_468) % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    (if from_march < 10 { from_march + 3 } else { from_march - 9 }, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_begin_where_the_calendar_says() {
        // 2028-02-29T12:00:00Z, a Tuesday, and 2026-01-01T00:00:00Z.
        for (now, day, week, month, quarter) in [
            (1_835_438_400, 1_835_395_200, 1_835_308_800, 1_832_976_000, 1_830_297_600),
            (1_767_225_600, 1_767_225_600, 1_766_966_400, 1_767_225_600, 1_767_225_600),
        ] {
            assert_eq!(begin(Calendar::Day, now), day);
            assert_eq!(begin(Calendar::Week, now), week);
            assert_eq!(begin(Calendar::Month, now), month);
            assert_eq!(begin(Calendar::Quarter, now), quarter);
        }
    }

    #[test]
    fn months_follow_each_other_for_four_centuries() {
        let (mut at, mut n) = (0, 0);
        while n < 4_800 {
            let length = (28..=31).find(|d| civil(at + d).1 == 1).unwrap();
            assert_eq!(civil(at), (n % 12 + 1, 1));
            assert_eq!(begin(Calendar::Month, (at + length) * DAY - 1), at * DAY);
            at += length;
            n += 1;
        }
        assert_eq!(at, 146_097);
    }
}
