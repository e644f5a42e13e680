//! Dates, instants, digests and the common package's messages.

use jiff::civil::Date;
use journal::{Cause, Day, Digest, Instant, Position, Service};
use proto::common::v1;

/// The civil date of a full `google.type.Date`; `None` when it is partial or does not exist.
#[must_use]
pub fn date_from(date: proto::google::r#type::Date) -> Option<Date> {
    let proto::google::r#type::Date { year, month, day } = date;
    if year < 1 {
        return None; // jiff has a year 0 and years before it; the wire's year 0 means that there is no year
    }
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// A civil date on the wire.
#[must_use]
pub fn date(date: Date) -> proto::google::r#type::Date {
    proto::google::r#type::Date {
        year: date.year().into(),
        month: date.month().into(),
        day: date.day().into(),
    }
}

/// A day on the wire.
#[must_use]
pub fn day(day: Day) -> proto::google::r#type::Date {
    date(day.date())
}

/// An instant on the wire.
#[must_use]
pub fn timestamp(instant: Instant) -> prost_types::Timestamp {
    let micros = instant.micros();
    let nanos = i32::try_from(micros.rem_euclid(1_000_000)).unwrap_or(0).saturating_mul(1_000);
    prost_types::Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// The instant of a timestamp, to the microsecond; `None` when it is out of range.
#[must_use]
pub fn instant_from(timestamp: prost_types::Timestamp) -> Option<Instant> {
    let prost_types::Timestamp { seconds, nanos } = timestamp;
    let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    let micros = seconds.checked_mul(1_000_000)?.checked_add(i64::from(nanos / 1_000))?;
    Some(Instant::from_micros(micros))
}

/// A digest on the wire.
#[must_use]
pub fn digest(digest: Digest) -> Vec<u8> {
    digest.0.to_vec()
}

/// What an answer to a read was computed from.
#[must_use]
pub fn as_of(position: Option<Position>, recorded_time: Instant, business_date: Day) -> v1::AsOf {
    v1::AsOf {
        position: position.map(Position::get),
        recorded_time: position.map(|_| timestamp(recorded_time)),
        business_date: Some(day(business_date)),
    }
}

/// Where a write's outcome stands.
#[must_use]
pub fn recorded(
    position: Position,
    leaf: Digest,
    recorded_time: Instant,
    business_date: Day,
    replayed: bool,
) -> v1::Recorded {
    v1::Recorded {
        position: position.get(),
        leaf_hash: digest(leaf),
        recorded_time: Some(timestamp(recorded_time)),
        business_date: Some(day(business_date)),
        replayed,
    }
}

/// A cause on the wire.
#[must_use]
pub fn cause(cause: Cause) -> v1::Cause {
    v1::Cause { service: cause.service.to_string(), position: cause.position.get() }
}

/// The cause that a message names; `None` when its service is not one.
#[must_use]
pub fn cause_from(cause: &v1::Cause) -> Option<Cause> {
    let v1::Cause { service, position } = cause;
    let service = service.parse::<Service>().ok()?;
    Some(Cause { service, position: Position::new(*position) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn partial_dates_are_no_dates() {
        let message = |year, month, day| proto::google::r#type::Date { year, month, day };
        for (year, month, day) in
            [(0, 6, 1), (2017, 0, 0), (2017, 6, 0), (2017, 13, 1), (-1, 1, 1), (10_000, 1, 1)]
        {
            assert_eq!(date_from(message(year, month, day)), None, "{year}-{month}-{day}");
        }
        assert_eq!(date_from(message(2017, 6, 30)).unwrap().to_string(), "2017-06-30");
    }

    proptest! {
        #[test]
        fn instants_go_there_and_back(micros in -60_000_000_000_000_000_i64..200_000_000_000_000_000) {
            let instant = Instant::from_micros(micros);
            prop_assert_eq!(instant_from(timestamp(instant)), Some(instant));
        }

        #[test]
        fn days_go_there_and_back(days in -100_000_i32..1_000_000) {
            let found = date_from(day(Day::new(days)));
            prop_assert_eq!(found, Some(Day::new(days).date()));
        }

        #[test]
        fn any_timestamp_is_answered(seconds: i64, nanos: i32) {
            let _ = instant_from(prost_types::Timestamp { seconds, nanos });
        }
    }
}
