//! Instants and days as records hold them.

use core::{fmt, str::FromStr};
use jiff::{Timestamp, civil::Date};
use minicbor::{Decode, Encode};

/// An instant in microseconds since 1970-01-01T00:00:00Z, always assigned by a server's clock.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct Instant(#[n(0)] i64);

impl Instant {
    /// The instant `microseconds` after the epoch.
    #[must_use]
    pub const fn from_micros(microseconds: i64) -> Self {
        Self(microseconds)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The midnight (UTC) with which `day` begins.
    #[must_use]
    pub const fn start_of(day: Day) -> Self {
        Self((day.0 as i64).saturating_mul(MICROS_PER_DAY))
    }

    /// The day (UTC) on which this instant falls.
    #[must_use]
    pub fn day(self) -> Day {
        // An i64 of microseconds spans fewer than 2^31 days either side of the epoch.
        Day(i32::try_from(self.0.div_euclid(MICROS_PER_DAY)).unwrap_or(i32::MAX))
    }

    /// The instant `microseconds` later.
    #[must_use]
    pub const fn plus_micros(self, microseconds: i64) -> Self {
        Self(self.0.saturating_add(microseconds))
    }
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

impl FromStr for Instant {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<Timestamp>().map(|timestamp| Self(timestamp.as_microsecond()))
    }
}

/// A civil date as the number of days since 1970-01-01, as records hold it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct Day(#[n(0)] i32);

impl Day {
    /// The day `days` after 1970-01-01.
    #[must_use]
    pub const fn new(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }

    /// The calendar date; a number outside the years −9999 to 9999 gives the nearest date.
    #[must_use]
    pub fn date(self) -> Date {
        let span = jiff::Span::new().try_days(self.0);
        span.and_then(|span| EPOCH.checked_add(span)).unwrap_or(if self.0 < 0 {
            Date::MIN
        } else {
            Date::MAX
        })
    }

    /// The day `days` later (earlier when negative).
    #[must_use]
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Whole days from `earlier` to this day; negative when this day comes first.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.saturating_sub(earlier.0)
    }
}

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

impl From<Date> for Day {
    fn from(date: Date) -> Self {
        // Dates span ±9999 years, which is far inside i32 days.
        let days = EPOCH.until(date).map(|span| span.get_days()).unwrap_or_default();
        Self(days)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

impl FromStr for Day {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<Date>().map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_instants_agree_with_the_calendar() {
        for (text, days) in
            [("1970-01-01", 0), ("2017-06-30", 17_347), ("1969-12-31", -1), ("2018-04-01", 17_622)]
        {
            let day: Day = text.parse().unwrap();
            assert_eq!(day.get(), days, "{text}");
            assert_eq!(day.to_string(), text);
            assert_eq!(Instant::start_of(day).day(), day);
            assert_eq!(Instant::start_of(day).plus_micros(-1).day(), day.plus(-1));
        }
    }

    #[test]
    fn instants_read_and_print() {
        let instant: Instant = "2017-06-01T09:00:00.000001Z".parse().unwrap();
        assert_eq!(instant.to_string(), "2017-06-01T09:00:00.000001Z");
        assert_eq!(instant.day(), "2017-06-01".parse().unwrap());
    }
}
