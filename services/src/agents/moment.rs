//! Time as it is handed in: how long it has been, for timers, and what the clock says, for people.

use std::time::{Duration, Instant, SystemTime};

/// One moment on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Time since a start that stays the same for as long as moments are compared. Never goes back.
    pub at: Duration,
    /// Milliseconds since 1970 by the system's clock, which may be set.
    pub wall_ms: u64,
}

impl Moment {
    /// Now, counted from `start`.
    pub fn now(start: Instant) -> Moment {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Moment { at: start.elapsed(), wall_ms: wall.map_or(0, |since| since.as_millis() as u64) }
    }

    /// The same moment, later on both clocks.
    #[must_use]
    pub fn after(self, time: Duration) -> Moment {
        Moment { at: self.at + time, wall_ms: self.wall_ms + time.as_millis() as u64 }
    }

    /// What the clock says, as RFC 3339 in UTC with milliseconds.
    pub fn rfc3339(self) -> String {
        let (days, ms) = ((self.wall_ms / 86_400_000) as i64, self.wall_ms % 86_400_000);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
    }
}

/// Milliseconds since 1970 of what [`Moment::rfc3339`] has written. None where it is something else.
pub(super) fn wall_ms(rfc3339: &str) -> Option<u64> {
    let text = rfc3339.strip_suffix('Z').filter(|text| text.is_ascii())?;
    let (date, time) = text.split_once('T')?;
    let (time, ms) = time.split_once('.').unwrap_or((time, "0"));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let ms: u64 = format!("{ms:0<3}").get(..3)?.parse().ok()?;
    let fits = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let days = u64::try_from(days(year, month, day)).ok()?;
    let seconds = days * 86_400 + (hour * 3600 + minute * 60 + second) as u64;
    (fits && (0..24).contains(&hour) && (0..60).contains(&minute) && (0..61).contains(&second))
        .then_some(seconds * 1000 + ms)
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let numbers: Vec<i64> =
        text.split(between).map(|part| part.parse::<u16>().ok().map(i64::from)).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

/// The day of a date, counted from 1970-01-01. Years begin in March here, as in [`date`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day counted from 1970-01-01, in the Gregorian calendar. Years begin in March here, so that a leap day is the
/// last one.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_calendar_has_it() {
        let written = |wall_ms| Moment { at: Duration::ZERO, wall_ms }.rfc3339();
        assert_eq!(written(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(written(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(written(1_795_243_189_376), "2026-11-21T06:39:49.376Z");
        assert_eq!(written(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
        for ms in [0, 951_782_399_999, 951_782_400_000, 1_795_243_189_376, 4_107_542_400_000] {
            assert_eq!(wall_ms(&written(ms)), Some(ms), "and read back");
        }
        assert_eq!(wall_ms("2026"), None);
    }
    #[test]
    fn what_is_written_is_read_again() {
        for wall_ms in [0, 951_782_399_999, 951_782_400_000, 1_795_243_189_376, 4_107_542_400_000] {
            let written = Moment { at: Duration::ZERO, wall_ms }.rfc3339();
            assert_eq!(super::wall_ms(&written), Some(wall_ms), "{written}");
        }
        assert_eq!(super::wall_ms("1970-01-01T00:00:01Z"), Some(1000));
        for wrong in [
            "",
            "Z",
            "1970-01-01",
            "1970-13-01T00:00:00Z",
            "1970-01-01T99:00:00Z",
            "a-b-cTd:e:fZ",
            "1970-01-01T00:00:00.äZ",
        ] {
            assert_eq!(super::wall_ms(wrong), None, "{wrong}");
        }
    }
}
