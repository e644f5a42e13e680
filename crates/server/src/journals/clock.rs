//! The clock of a journal: the machine's, or a sandbox's that its operator moves.

use engine::Now;
use jiff::{Timestamp, tz::TimeZone};
use journal::{Day, Instant};
use std::fmt;
use std::time::Instant as Monotonic;

/// Where a driver's time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current instant.
    fn now(&self) -> Instant;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::from_micros(Timestamp::now().as_microsecond())
    }
}

/// The time that one journal sees.
#[derive(Debug)]
pub(crate) enum JournalClock {
    /// As the machine's.
    Real(std::sync::Arc<dyn Clock>),
    /// Set by hand, running on from there at the pace of real time.
    Sandbox { set_to: Instant, since: Monotonic },
}

impl JournalClock {
    pub(crate) fn sandbox(set_to: Instant) -> Self {
        Self::Sandbox { set_to, since: Monotonic::now() }
    }

    pub(crate) fn time(&self) -> Instant {
        match self {
            Self::Real(clock) => clock.now(),
            Self::Sandbox { set_to, since } => {
                let elapsed = i64::try_from(since.elapsed().as_micros()).unwrap_or(i64::MAX);
                set_to.plus_micros(elapsed)
            }
        }
    }

    pub(crate) fn now(&self) -> Now {
        at(self.time())
    }
}

/// The engine's view of `time`: with its business date, the civil date in London.
pub(crate) fn at(time: Instant) -> Now {
    Now { time, business_date: business_date(time) }
}

/// The civil date in London at `time`: what the NHS calls the day, summer time included.
pub(crate) fn business_date(time: Instant) -> Day {
    let timestamp = Timestamp::from_microsecond(time.micros()).unwrap_or(Timestamp::MAX);
    match TimeZone::get("Europe/London") {
        Ok(london) => timestamp.to_zoned(london).date().into(),
        // The zone's rules are compiled in, so this is reached only by a broken build.
        Err(_) => time.day(),
    }
}

/// The instant at which `day` begins in London.
pub(crate) fn start_of(day: Day) -> Instant {
    TimeZone::get("Europe/London").ok().and_then(|london| day.date().to_zoned(london).ok()).map_or_else(
        || Instant::start_of(day),
        |zoned| Instant::from_micros(zoned.timestamp().as_microsecond()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_business_date_is_londons() {
        let table = [
            ("2017-06-30T22:59:59Z", "2017-06-30"),
            ("2017-06-30T23:00:00Z", "2017-07-01"),
            ("2017-12-31T23:59:59Z", "2017-12-31"),
            ("2018-01-01T00:00:00Z", "2018-01-01"),
        ];
        for (instant, date) in table {
            assert_eq!(business_date(instant.parse().unwrap()), date.parse().unwrap(), "{instant}");
        }
        assert_eq!(start_of("2017-07-01".parse().unwrap()), "2017-06-30T23:00:00Z".parse().unwrap());
        assert_eq!(start_of("2018-01-01".parse().unwrap()), "2018-01-01T00:00:00Z".parse().unwrap());
    }
}
