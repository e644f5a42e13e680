//! The simple types of ISO 20022, read from their elements.

use crate::read_error::ReadError;
use crate::xml_in::{Child, Cursor, shown};
use crate::xml_out::iso_instant;
use core::fmt;
use jiff::civil::{Date, DateTime};
use money::{Pence, Side};

type Result<T> = core::result::Result<T, ReadError>;

/// A time as a message states it (`ISODateTime`): local to the offset, if the sender gave one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageTime {
    /// The clock's time where the sender is.
    pub local: DateTime,
    /// Minutes east of UTC, when stated.
    pub offset_minutes: Option<i16>,
}

impl MessageTime {
    /// Parses `2017-07-20T09:00:00`, with decimals of a second and an offset (`Z`, `+01:00`) if they are there.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once('T')?;
        let (time, offset_minutes) = split_offset(time)?;
        let shape = time.as_bytes().get(2) == Some(&b':') && time.as_bytes().get(5) == Some(&b':');
        let date = plain_date(date)?;
        let time = time.parse::<jiff::civil::Time>().ok().filter(|_| shape)?;
        Some(Self { local: date.to_datetime(time), offset_minutes })
    }

    /// An instant in microseconds since 1970-01-01 UTC, to the whole second; `None` outside the years 1 to 9999.
    #[must_use]
    pub fn utc(microseconds: i64) -> Option<Self> {
        Self::parse(&iso_instant(microseconds)?)
    }

    /// The calendar day, where the sender is.
    #[must_use]
    pub fn date(&self) -> Date {
        self.local.date()
    }
}

impl fmt::Display for MessageTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.local)?;
        match self.offset_minutes {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let size = minutes.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", size / 60, size % 60)
            }
        }
    }
}

/// Splits `Z`, `+hh:mm` or `-hh:mm` off; offsets go to 14 hours (XML Schema part 2, 3.2.7.3).
fn split_offset(text: &str) -> Option<(&str, Option<i16>)> {
    if let Some(time) = text.strip_suffix('Z') {
        return Some((time, Some(0)));
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, None)) };
    let (time, offset) = text.split_at_checked(at)?;
    let (sign, digits) = offset.split_at_checked(1)?;
    let (hours, minutes) = digits.split_once(':')?;
    let two = |part: &str| {
        let plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i16>().ok().filter(|_| plain)
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    let known = minutes < 60 && total <= 14 * 60;
    let signed = if sign == "-" { total.checked_neg()? } else { total };
    known.then_some((time, Some(signed)))
}

/// `2017-07-20` and nothing else.
fn plain_date(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    text.parse().ok().filter(|_| shape)
}

/// `xs:decimal` in pounds as whole pence: no sign but `+`, no more than two decimals that are not zero.
pub(crate) fn parse_amount(text: &str) -> Option<Pence> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (pounds, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if (pounds.is_empty() && decimals.is_empty()) || !digits(pounds) || !digits(decimals) {
        return None;
    }
    let (pence, rest) = decimals.split_at_checked(2).unwrap_or((decimals, ""));
    if rest.bytes().any(|b| b != b'0') {
        return None;
    }
    let pounds = if pounds.is_empty() { "0" } else { pounds };
    format!("{pounds}.{pence:0<2}").parse().ok()
}

/// Keeps the first value of an element that may stand once.
pub(crate) fn set_once<T>(
    slot: &mut Option<T>,
    value: T,
    element: &'static str,
    position: u64,
) -> Result<()> {
    match slot {
        None => {
            *slot = Some(value);
            Ok(())
        }
        Some(_) => Err(ReadError::Repeated { element, position }),
    }
}

/// The value of an element that must stand.
pub(crate) fn required<T>(slot: Option<T>, element: &'static str, position: u64) -> Result<T> {
    slot.ok_or(ReadError::Missing { element, position })
}

impl Cursor<'_> {
    /// The first child of the open element that is called `name`, handled by `read`; the rest is skipped.
    pub(crate) fn within<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&mut Self, &Child<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut found = None;
        while let Some(child) = self.child()? {
            if child.name() == name {
                let value = read(self, &child)?;
                set_once(&mut found, value, name, child.position)?;
            } else {
                self.skip()?;
            }
        }
        Ok(found)
    }

    /// The text of the only descendant along `path`, if it is there.
    pub(crate) fn text_at(&mut self, path: &[&'static str]) -> Result<Option<String>> {
        match path {
            [] => self.text().map(Some),
            [name, rest @ ..] => Ok(self.within(name, |cursor, _| cursor.text_at(rest))?.flatten()),
        }
    }

    /// An amount of sterling.
    pub(crate) fn amount(&mut self, child: &Child<'_>, element: &'static str) -> Result<Pence> {
        let position = child.position;
        let refused = |expected| ReadError::ValueRefused { element, position, expected };
        let currency =
            child.attribute("Ccy").ok_or_else(|| refused("an amount with its currency (`Ccy`)"))?;
        if currency != "GBP" {
            return Err(ReadError::CurrencyRefused { currency: shown(&currency), position });
        }
        parse_amount(&self.text()?).ok_or_else(|| refused("an amount of pounds with at most two decimals"))
    }

    /// `CRDT` or `DBIT`.
    pub(crate) fn side(&mut self, child: &Child<'_>) -> Result<Side> {
        match self.text()?.as_str() {
            "CRDT" => Ok(Side::Credit),
            "DBIT" => Ok(Side::Debit),
            _ => Err(ReadError::ValueRefused {
                element: "CdtDbtInd",
                position: child.position,
                expected: "CRDT or DBIT",
            }),
        }
    }

    /// `true` or `false`, as XML Schema spells them.
    pub(crate) fn boolean(&mut self, child: &Child<'_>, element: &'static str) -> Result<bool> {
        match self.text()?.as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => {
                Err(ReadError::ValueRefused { element, position: child.position, expected: "true or false" })
            }
        }
    }

    /// A count.
    pub(crate) fn count(&mut self, child: &Child<'_>, element: &'static str) -> Result<u32> {
        self.text()?.parse().map_err(|_| ReadError::ValueRefused {
            element,
            position: child.position,
            expected: "a number",
        })
    }

    /// A day (`ISODate`); an offset behind it is dropped, because a day is the sender's day.
    pub(crate) fn date(&mut self, child: &Child<'_>, element: &'static str) -> Result<Date> {
        let text = self.text()?;
        let day = text.get(..10).unwrap_or_default();
        let offset = text.get(10..).and_then(split_offset);
        plain_date(day).filter(|_| matches!(offset, Some(("", _)))).ok_or(ReadError::ValueRefused {
            element,
            position: child.position,
            expected: "a date",
        })
    }

    /// A time (`ISODateTime`).
    pub(crate) fn time(&mut self, child: &Child<'_>, element: &'static str) -> Result<MessageTime> {
        MessageTime::parse(&self.text()?).ok_or(ReadError::ValueRefused {
            element,
            position: child.position,
            expected: "a date and time",
        })
    }

    /// The day of a choice between a date (`Dt`) and a time (`DtTm`).
    pub(crate) fn date_choice(&mut self, parent: &Child<'_>, element: &'static str) -> Result<Date> {
        let mut day = None;
        while let Some(child) = self.child()? {
            match child.name() {
                "Dt" => {
                    let value = self.date(&child, element)?;
                    set_once(&mut day, value, element, child.position)?;
                }
                "DtTm" => {
                    let value = self.time(&child, element)?.date();
                    set_once(&mut day, value, element, child.position)?;
                }
                _ => self.skip()?,
            }
        }
        required(day, element, parent.position)
    }

    /// The text of a choice between a code (`Cd`) and a proprietary one (`Prtry`).
    pub(crate) fn code_choice(&mut self) -> Result<Option<String>> {
        let mut code = None;
        while let Some(child) = self.child()? {
            match child.name() {
                "Cd" | "Prtry" => {
                    let value = self.text()?;
                    set_once(&mut code, value, "Cd", child.position)?;
                }
                _ => self.skip()?,
            }
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_whole_pence() {
        let table = [
            ("0", Some(0)),
            ("10", Some(1_000)),
            ("10.5", Some(1_050)),
            ("10.50000", Some(1_050)),
            (".5", Some(50)),
            ("5.", Some(500)),
            ("+5.01", Some(501)),
            ("92233720368547758.07", Some(i64::MAX)),
            ("92233720368547758.08", None),
            ("10.001", None),
            ("-1", None),
            ("++1", None),
            ("", None),
            (".", None),
            ("1e2", None),
            ("1,000", None),
            ("1 0", None),
        ];
        for (text, pence) in table {
            assert_eq!(parse_amount(text).map(Pence::get), pence, "{text:?}");
        }
    }

    #[test]
    fn times_keep_their_offset() {
        for good in [
            "2015-03-10T18:43:50",
            "2015-03-10T18:43:50Z",
            "2015-03-10T18:43:50+01:00",
            "2015-03-10T18:43:50.25-05:30",
        ] {
            assert_eq!(MessageTime::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "2015-03-10",
            "2015-03-10T",
            "2015-03-10T18:43",
            "2015-03-10T184350",
            "2015-13-10T18:43:50",
            "2015-03-10T18:43:50+1:00",
            "2015-03-10T18:43:50+15:00",
            "2015-03-10T18:43:50+00:60",
            "20150310T18:43:50",
            "2015-03-10T25:00:00",
            "2015-03-10T18:43:50z",
            "-2015-03-10T18:43:50",
        ] {
            assert_eq!(MessageTime::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn instants_are_written_in_whole_seconds_of_utc() {
        let table = [
            (0, Some("1970-01-01T00:00:00Z")),
            (1_501_146_000_999_999, Some("2017-07-27T09:00:00Z")),
            (-1, Some("1969-12-31T23:59:59Z")),
            (i64::MAX, None),
            (i64::MIN, None),
        ];
        for (microseconds, text) in table {
            let shown = MessageTime::utc(microseconds).map(|time| time.to_string());
            assert_eq!(shown.as_deref(), text, "{microseconds}");
        }
    }

    proptest! {
        #[test]
        fn any_amount_survives(pence in 0..=i64::MAX) {
            let amount = Pence::new(pence).unwrap();
            prop_assert_eq!(parse_amount(&amount.to_pounds()), Some(amount));
        }

        #[test]
        fn no_text_panics(text in "[0-9TZ:.+-]{0,30}") {
            let _ = (MessageTime::parse(&text), parse_amount(&text), plain_date(&text));
        }
    }
}
