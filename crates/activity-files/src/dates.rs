//! Dates as files write them, and which way round they are.

use crate::{DatesMixed, Place, Unusable, Value};
use core::fmt;
use jiff::civil::Date;
use serde::Deserialize;

/// How dates are written. After any of them a time of day may follow, as `00:00` or `00:00:00.000`; it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dates {
    /// `2017-06-12`, `2017/06/12`.
    YearMonthDay,
    /// `12/06/2017`, `12-06-2017`, `12.6.2017`: the twelfth of June.
    DayMonthYear,
    /// `06/12/2017`: the twelfth of June.
    MonthDayYear,
    /// `12-Jun-2017`, `12 June 2017`.
    DayNameYear,
    /// `20170612`.
    Compact,
}

impl Dates {
    /// Every way.
    pub const ALL: &'static [Self] =
        &[Self::YearMonthDay, Self::DayMonthYear, Self::MonthDayYear, Self::DayNameYear, Self::Compact];

    /// The name in mapping profiles and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::YearMonthDay => "year-month-day",
            Self::DayMonthYear => "day-month-year",
            Self::MonthDayYear => "month-day-year",
            Self::DayNameYear => "day-name-year",
            Self::Compact => "compact",
        }
    }

    /// Reads a date that is so written.
    pub(crate) fn read(self, text: &str) -> Value<Date> {
        if text.is_empty() {
            return Value::Blank;
        }
        let date = match (self, shape(text)) {
            (Self::YearMonthDay, Some(Shape::YearFirst(date)))
            | (Self::DayNameYear, Some(Shape::Named(date)))
            | (Self::Compact, Some(Shape::Compact(date))) => date,
            (Self::DayMonthYear, Some(Shape::YearLast(first, second, year))) => date(year, second, first),
            (Self::MonthDayYear, Some(Shape::YearLast(first, second, year))) => date(year, first, second),
            _ => None,
        };
        date.map_or(Value::Bad, Value::Good)
    }
}

impl fmt::Display for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a text looks like, before it is known which of two numbers is the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    YearFirst(Option<Date>),
    YearLast(i8, i8, i16),
    Named(Option<Date>),
    Compact(Option<Date>),
}

fn date(year: i16, month: i8, day: i8) -> Option<Date> {
    Date::new(year, month, day).ok()
}

fn shape(text: &str) -> Option<Shape> {
    let text = without_time(text)?;
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        let (year, rest) = text.split_at_checked(4)?;
        let (month, day) = rest.split_at_checked(2)?;
        return Some(Shape::Compact(date(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)));
    }
    let separator = text.chars().find(|c| matches!(c, '/' | '-' | '.' | ' '))?;
    let mut parts = text.split(separator);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    if let Some(month) = month_named(b) {
        return Some(Shape::Named(date(digits(c, 4, 4)?, month, day(a)?)));
    }
    if a.len() == 4 {
        let (month, day) = (day(b)?, day(c)?);
        return Some(Shape::YearFirst(date(digits(a, 4, 4)?, month, day)));
    }
    Some(Shape::YearLast(day(a)?, day(b)?, digits(c, 4, 4)?))
}

fn day(text: &str) -> Option<i8> {
    digits(text, 1, 2).and_then(|number| i8::try_from(number).ok())
}

fn digits(text: &str, least: usize, most: usize) -> Option<i16> {
    let well = (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if well { text.parse().ok() } else { None }
}

/// The text without a time of day at its end; none when something else follows the date.
fn without_time(text: &str) -> Option<&str> {
    let Some((front, back)) = text.rsplit_once([' ', 'T']).filter(|(_, back)| back.contains(':')) else {
        return Some(text);
    };
    let (clock, fraction) = back.split_once('.').unwrap_or((back, ""));
    let parts: Vec<&str> = clock.split(':').collect();
    let clock = (2..=3).contains(&parts.len()) && parts.iter().all(|part| digits(part, 1, 2).is_some());
    let fraction = fraction.bytes().all(|b| b.is_ascii_digit());
    (clock && fraction).then(|| front.trim_end())
}

fn month_named(text: &str) -> Option<i8> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let text = text.to_ascii_lowercase();
    let found = |name: &str| text == name || (text.len() == 3 && name.starts_with(&text));
    let at = NAMES.iter().position(|name| found(name))?;
    i8::try_from(at.checked_add(1)?).ok()
}

/// An example of a value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Example {
    pub(crate) text: String,
    pub(crate) place: Place,
}

#[derive(Debug, Default)]
struct Seen {
    count: u64,
    first: Option<Example>,
}

impl Seen {
    fn note(&mut self, text: &str, place: impl FnOnce() -> Place) {
        self.count = self.count.saturating_add(1);
        if self.first.is_none() {
            self.first = Some(Example { text: text.to_owned(), place: place() });
        }
    }
}

/// Looks at every date of a file and says which way they are written.
#[derive(Debug, Default)]
pub(crate) struct Recogniser {
    year_first: Seen,
    named: Seen,
    compact: Seen,
    day_first: Seen,
    month_first: Seen,
    /// Either number may be the month, and it matters.
    either: Seen,
    /// Both numbers are the same: it does not matter.
    same: Seen,
    unknown: Seen,
}

/// What was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recognised {
    pub(crate) dates: Dates,
    /// A value that settles it.
    pub(crate) example: Example,
    /// How many values are no dates.
    pub(crate) bad: u64,
}

impl Recogniser {
    pub(crate) fn look(&mut self, text: &str, place: impl FnOnce() -> Place) {
        let seen = match shape(text) {
            Some(Shape::YearFirst(Some(_))) => &mut self.year_first,
            Some(Shape::Named(Some(_))) => &mut self.named,
            Some(Shape::Compact(Some(_))) => &mut self.compact,
            Some(Shape::YearLast(first, second, year)) => {
                match (date(year, second, first), date(year, first, second)) {
                    (Some(a), Some(b)) if a == b => &mut self.same,
                    (Some(_), Some(_)) => &mut self.either,
                    (Some(_), None) => &mut self.day_first,
                    (None, Some(_)) => &mut self.month_first,
                    (None, None) => &mut self.unknown,
                }
            }
            Some(Shape::YearFirst(None) | Shape::Named(None) | Shape::Compact(None)) | None => {
                &mut self.unknown
            }
        };
        seen.note(text, place);
    }

    /// The one way in which the dates of the file are written; none when it has no dates.
    ///
    /// Values that are no dates at all decide nothing: they cost their own rows. Errors when dates are written in two
    /// ways, when day and month cannot be told apart, or when no value is a date.
    pub(crate) fn settle(self) -> Result<Option<Recognised>, Unusable> {
        let Self { year_first, named, compact, day_first, month_first, either, same, unknown } = self;
        // A spreadsheet that read half of a column the wrong way round leaves both kinds behind.
        let ways = [
            (Dates::YearMonthDay, &year_first),
            (Dates::DayNameYear, &named),
            (Dates::Compact, &compact),
            (Dates::DayMonthYear, &day_first),
            (Dates::MonthDayYear, &month_first),
        ];
        let bad = unknown.count;
        let mut found = ways.into_iter().filter_map(|(dates, seen)| Some((dates, seen.first.clone()?)));
        let (first, second) = (found.next(), found.next());
        let two_ways = |(one_way, one): (Dates, Example), (other_way, other): (Dates, Example)| {
            let one = (one.text, one.place, one_way);
            Unusable::DatesMixed(Box::new(DatesMixed { one, other: (other.text, other.place, other_way) }))
        };
        match (first, second) {
            (Some(a), Some(b)) => Err(two_ways(a, b)),
            (Some((dates, example)), None) => {
                let other = either.first.or(same.first);
                match (dates, other) {
                    (Dates::DayMonthYear | Dates::MonthDayYear, _) | (_, None) => {
                        Ok(Some(Recognised { dates, example, bad }))
                    }
                    (_, Some(other)) => Err(two_ways((dates, example), (Dates::DayMonthYear, other))),
                }
            }
            (None, _) => match (either.first, same.first, unknown.first) {
                (Some(Example { text, place }), ..) => {
                    Err(Unusable::DatesAmbiguous { text, place, count: either.count })
                }
                (None, Some(example), _) => Ok(Some(Recognised { dates: Dates::DayMonthYear, example, bad })),
                (None, None, Some(Example { text, place })) => Err(Unusable::DatesUnknown { text, place }),
                (None, None, None) => Ok(None),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn ways_of_writing_a_date() {
        let texts = [
            "2017-06-12",
            "2017/6/12",
            "2017-06-12 00:00:00.000",
            "2017-06-12T09:30",
            "12/06/2017",
            "12-06-2017",
            "12.6.2017",
            "12/06/2017 00:00",
            "06/13/2017",
            "12-Jun-2017",
            "12 June 2017",
            "12-JUN-2017 10:00:00",
            "20170612",
            "20171306",
            "31/02/2017",
            "12/06/17",
            "42898",
            "2017-13-12",
            "12/06/2017 x",
            "",
            "1/2/3/2017",
            "-1/06/2017",
            "１2/06/2017",
            "12/06/2017:",
            "Jun",
            "a b:c",
        ];
        let mut table = String::new();
        for text in texts {
            let read: Vec<String> = Dates::ALL
                .iter()
                .map(|way| match way.read(text) {
                    Value::Good(date) => date.to_string(),
                    Value::Bad => "-".into(),
                    Value::Blank => "blank".into(),
                })
                .collect();
            table.push_str(&format!("{text}: {}\n", read.join(" ")));
        }
        expect![[r#"
            2017-06-12: 2017-06-12 - - - -
            2017/6/12: 2017-06-12 - - - -
            2017-06-12 00:00:00.000: 2017-06-12 - - - -
            2017-06-12T09:30: 2017-06-12 - - - -
            12/06/2017: - 2017-06-12 2017-12-06 - -
            12-06-2017: - 2017-06-12 2017-12-06 - -
            12.6.2017: - 2017-06-12 2017-12-06 - -
            12/06/2017 00:00: - 2017-06-12 2017-12-06 - -
            06/13/2017: - - 2017-06-13 - -
            12-Jun-2017: - - - 2017-06-12 -
            12 June 2017: - - - 2017-06-12 -
            12-JUN-2017 10:00:00: - - - 2017-06-12 -
            20170612: - - - - 2017-06-12
            20171306: - - - - -
            31/02/2017: - - - - -
            12/06/17: - - - - -
            42898: - - - - -
            2017-13-12: - - - - -
            12/06/2017 x: - - - - -
            : blank blank blank blank blank
            1/2/3/2017: - - - - -
            -1/06/2017: - - - - -
            １2/06/2017: - - - - -
            12/06/2017:: - - - - -
            Jun: - - - - -
            a b:c: - - - - -
        "#]]
        .assert_eq(&table);
    }

    #[test]
    fn which_way_round() {
        let settle = |texts: &[&str]| {
            let mut recogniser = Recogniser::default();
            for (row, text) in (1..).zip(texts) {
                recogniser.look(text, || Place::new(row, row + 1, 3, "START DATE"));
            }
            match recogniser.settle() {
                Ok(Some(found)) => format!("{} by {}", found.dates, found.example.text),
                Ok(None) => "none".to_owned(),
                Err(error) => format!("refused: {error}"),
            }
        };
        let cases: [&[&str]; 12] = [
            &["2017-06-12", "2017-06-13"],
            &["12/06/2017", "13/06/2017"],
            &["06/12/2017", "06/13/2017"],
            &["12/06/2017", "11/06/2017"],
            &["05/05/2017"],
            &["05/05/2017", "06/05/2017"],
            &["13/06/2017", "06/13/2017"],
            &["2017-06-12", "12/06/2017"],
            &["13/06/2017", "31/02/2017", "yesterday"],
            &["12/06/17"],
            &["42898"],
            &[],
        ];
        let table: String =
            cases.iter().map(|case| format!("{}: {}\n", case.join(", "), settle(case))).collect();
        expect![[r#"
            2017-06-12, 2017-06-13: year-month-day by 2017-06-12
            12/06/2017, 13/06/2017: day-month-year by 13/06/2017
            06/12/2017, 06/13/2017: month-day-year by 06/13/2017
            12/06/2017, 11/06/2017: refused: row 1 (line 2 of the file), column 3 (START DATE): 12/06/2017 may be day and month or month and day, and no date of the file settles it (2 like it): pass --dates day-month-year or --dates month-day-year
            05/05/2017: day-month-year by 05/05/2017
            05/05/2017, 06/05/2017: refused: row 2 (line 3 of the file), column 3 (START DATE): 06/05/2017 may be day and month or month and day, and no date of the file settles it (1 like it): pass --dates day-month-year or --dates month-day-year
            13/06/2017, 06/13/2017: refused: its dates are written in two ways: 13/06/2017 in row 1 (line 2 of the file), column 3 (START DATE) is day-month-year, 06/13/2017 in row 2 (line 3 of the file), column 3 (START DATE) is month-day-year. A spreadsheet may have turned some round: correct the file, or pass --dates, and the others are answered unreadable
            2017-06-12, 12/06/2017: refused: its dates are written in two ways: 2017-06-12 in row 1 (line 2 of the file), column 3 (START DATE) is year-month-day, 12/06/2017 in row 2 (line 3 of the file), column 3 (START DATE) is day-month-year. A spreadsheet may have turned some round: correct the file, or pass --dates, and the others are answered unreadable
            13/06/2017, 31/02/2017, yesterday: day-month-year by 13/06/2017
            12/06/17: refused: row 1 (line 2 of the file), column 3 (START DATE): 12/06/17 is not written as any date that is known: years have four digits, as in 12/06/2017
            42898: refused: row 1 (line 2 of the file), column 3 (START DATE): 42898 is not written as any date that is known: years have four digits, as in 12/06/2017
            : none
        "#]].assert_eq(&table);
    }
}
