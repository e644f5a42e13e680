//! The clock of a journal: the machine's, or a sandbox's that its operator moves.

use engine::Now;
use jiff::{Timestamp, tz::TimeZone};
use journal::{Day, Instant};
use std::cell::Cell;
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
pub(crate) struct JournalClock {
    source: Source,
    /// The day last shown, and when it begins and ends: the zone's rules are asked once a day, not once a command.
    shown: Cell<(Instant, Instant, Day)>,
}

#[derive(Debug)]
enum Source {
    /// As the machine's.
    Real(std::sync::Arc<dyn Clock>),
    /// Set by hand, running on from there at the pace of real time.
    Sandbox { set_to: Instant, since: Monotonic },
}

impl JournalClock {
    pub(crate) fn real(clock: std::sync::Arc<dyn Clock>) -> Self {
        Self::new(Source::Real(clock))
    }

    pub(crate) fn sandbox(set_to: Instant) -> Self {
        Self::new(Source::Sandbox { set_to, since: Monotonic::now() })
    }

    fn new(source: Source) -> Self {
        let never = Instant::from_micros(i64::MAX);
        Self { source, shown: Cell::new((never, never, Day::new(0))) }
    }

    pub(crate) fn time(&self) -> Instant {
        match &self.source {
            Source::Real(clock) => clock.now(),
            Source::Sandbox { set_to, since } => {
                let elapsed = i64::try_from(since.elapsed().as_micros()).unwrap_or(i64::MAX);
                set_to.plus_micros(elapsed)
            }
        }
    }

    /// The time with its business date.
    pub(crate) fn now(&self) -> Now {
        let time = self.time();
        let (from, until, day) = self.shown.get();
        if from <= time && time < until {
            return Now { time, business_date: day };
        }
        let now = at(time);
        let day = now.business_date;
        self.shown.set((start_of(day), start_of(day.plus(1)), day));
        now
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
    fn a_day_that_was_shown_is_not_shown_after_its_end() {
        #[derive(Debug, Default)]
        struct Hand(std::sync::Mutex<Instant>);
        impl Clock for Hand {
            fn now(&self) -> Instant {
                *self.0.lock().unwrap()
            }
        }
        let hand = std::sync::Arc::new(Hand::default());
        let clock = JournalClock::real(hand.clone());
        // Back and forth over both changes of the clocks, and the midnights around them.
        for time in
            ["2017-03-25T23:59:59Z", "2017-03-26T00:00:00Z", "2017-03-26T22:59:59Z", "2017-03-26T23:00:00Z"]
                .into_iter()
                .chain([
                    "2017-10-28T22:59:59Z",
                    "2017-10-28T23:00:00Z",
                    "2017-10-29T23:59:59Z",
                    "2017-10-30T00:00:00Z",
                ])
                .chain(["2017-03-26T00:30:00Z", "2017-03-25T12:00:00Z"])
        {
            let time: Instant = time.parse().unwrap();
            for time in [time, time.plus_micros(1), time] {
                *hand.0.lock().unwrap() = time;
                assert_eq!(clock.now(), at(time), "{time:?}");
            }
        }
    }

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
