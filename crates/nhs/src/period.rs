//! Months and financial years.

use crate::{Field, ParseError, Problem, text};
use core::{fmt, str::FromStr};
use jiff::civil::Date;
use minicbor::{Decode, Encode};

/// Years that a month or financial year may begin in: what a date of care, or a typing error in one, can hold.
const YEARS: core::ops::RangeInclusive<i16> = 1900..=2999;

/// A financial year, 1 April to 31 March, written `2017-18`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FinancialYear(i16);

impl FinancialYear {
    /// The financial year that begins on 1 April of `year`. Errors outside 1900 to 2999.
    pub fn starting(year: i16) -> Result<Self, ParseError> {
        if YEARS.contains(&year) {
            Ok(Self(year))
        } else {
            Err(Field::FinancialYear.refuse(Problem::OutOfRange))
        }
    }

    /// The financial year that holds `date`. Errors outside 1900 to 2999.
    pub fn of(date: Date) -> Result<Self, ParseError> {
        Self::starting(if date.month() < 4 { date.year().saturating_sub(1) } else { date.year() })
    }

    /// The calendar year of its 1 April.
    #[must_use]
    pub const fn start_year(self) -> i16 {
        self.0
    }

    /// Its 1 April.
    #[must_use]
    pub const fn first_day(self) -> Date {
        jiff::civil::date(self.0, 4, 1)
    }

    /// Its 31 March.
    #[must_use]
    pub const fn last_day(self) -> Date {
        jiff::civil::date(self.0.saturating_add(1), 3, 31)
    }

    /// Whether `date` falls in it.
    #[must_use]
    pub fn contains(self, date: Date) -> bool {
        Self::of(date) == Ok(self)
    }

    /// The year after, or `None` after the last.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::starting(self.0.saturating_add(1)).ok()
    }

    /// The year before, or `None` before the first.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        Self::starting(self.0.saturating_sub(1)).ok()
    }

    /// Its twelve months, April first.
    pub fn periods(self) -> impl Iterator<Item = Period> {
        let april = i32::from(self.0).saturating_mul(12).saturating_add(3);
        (0..12_i32).map(move |month| Period(april.saturating_add(month)))
    }
}

impl FromStr for FinancialYear {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let field = Field::FinancialYear;
        let bytes = text.as_bytes();
        check_dashed(field, bytes)?;
        let start = i16::try_from(text::digits(bytes.get(..4).unwrap_or_default()))
            .map_err(|_| field.refuse(Problem::OutOfRange))?;
        let end = text::digits(bytes.get(5..).unwrap_or_default());
        let year = Self::starting(start)?;
        let follows = u64::try_from(start.saturating_add(1) % 100) == Ok(end);
        if follows { Ok(year) } else { Err(field.refuse(Problem::YearsDoNotFollow)) }
    }
}

impl fmt::Display for FinancialYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0, self.0.saturating_add(1) % 100)
    }
}

impl fmt::Debug for FinancialYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FinancialYear({self})")
    }
}

impl<C> Encode<C> for FinancialYear {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.i16(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for FinancialYear {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::starting(d.i16()?).map_err(minicbor::decode::Error::custom)
    }
}

/// A calendar month, written `2017-06`: what activity is cut, estimated and settled by.
///
/// Held as months since January of year 0, so that neighbours are one apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period(i32);

impl Period {
    /// Month `month` (1 to 12) of `year`. Errors outside 1900 to 2999 and for other months.
    pub fn new(year: i16, month: i8) -> Result<Self, ParseError> {
        if !YEARS.contains(&year) || !(1..=12).contains(&month) {
            return Err(Field::Period.refuse(Problem::OutOfRange));
        }
        Ok(Self(i32::from(year).saturating_mul(12).saturating_add(i32::from(month).saturating_sub(1))))
    }

    /// The month that holds `date`. Errors outside 1900 to 2999.
    pub fn of(date: Date) -> Result<Self, ParseError> {
        Self::new(date.year(), date.month())
    }

    /// The calendar year.
    #[must_use]
    pub fn year(self) -> i16 {
        // At most 2999, by construction.
        i16::try_from(self.0 / 12).unwrap_or(i16::MAX)
    }

    /// The month of the calendar year, 1 to 12.
    #[must_use]
    pub fn month(self) -> i8 {
        i8::try_from(self.0 % 12).unwrap_or(0).saturating_add(1)
    }

    /// The month of the financial year: 1 in April, 12 in March, as monitoring returns count.
    #[must_use]
    pub fn financial_month(self) -> i8 {
        if self.month() >= 4 { self.month().saturating_sub(3) } else { self.month().saturating_add(9) }
    }

    /// The financial year that it belongs to.
    #[must_use]
    pub fn financial_year(self) -> FinancialYear {
        FinancialYear(if self.month() >= 4 { self.year() } else { self.year().saturating_sub(1) })
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> Date {
        jiff::civil::date(self.year(), self.month(), 1)
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> Date {
        self.first_day().last_of_month()
    }

    /// Whether `date` falls in it.
    #[must_use]
    pub fn contains(self, date: Date) -> bool {
        Self::of(date) == Ok(self)
    }

    /// The month after, or `None` after the last.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::from_index(self.0.saturating_add(1))
    }

    /// The month before, or `None` before the first.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        Self::from_index(self.0.saturating_sub(1))
    }

    fn from_index(index: i32) -> Option<Self> {
        let year = i16::try_from(index.div_euclid(12)).ok()?;
        YEARS.contains(&year).then_some(Self(index))
    }
}

impl FromStr for Period {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        check_dashed(Field::Period, bytes)?;
        let part = |bytes: Option<&[u8]>| text::digits(bytes.unwrap_or_default());
        match (i16::try_from(part(bytes.get(..4))), i8::try_from(part(bytes.get(5..)))) {
            (Ok(year), Ok(month)) => Self::new(year, month),
            _ => Err(Field::Period.refuse(Problem::OutOfRange)),
        }
    }
}

/// Four digits, a hyphen, two digits.
fn check_dashed(field: Field, bytes: &[u8]) -> Result<(), ParseError> {
    match bytes.len() {
        0 => Err(field.refuse(Problem::Empty)),
        7 => text::check_each(
            field,
            bytes.iter().enumerate().map(|(at, b)| if at == 4 { *b == b'-' } else { b.is_ascii_digit() }),
        ),
        found => Err(field.refuse(Problem::Length { found })),
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Period({self})")
    }
}

/// Encoded as the integer `201706`, so that any CBOR reader shows the month that a person would write.
impl<C> Encode<C> for Period {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let year = i32::from(self.year()).saturating_mul(100);
        e.i32(year.saturating_add(i32::from(self.month())))?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Period {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let number = d.i32()?;
        match (i16::try_from(number.div_euclid(100)), i8::try_from(number.rem_euclid(100))) {
            (Ok(year), Ok(month)) => Self::new(year, month).map_err(minicbor::decode::Error::custom),
            _ => Err(minicbor::decode::Error::message("not a month such as 201706")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn a_financial_year_turns_on_the_first_of_april() {
        let year: FinancialYear = "2017-18".parse().unwrap();
        assert_eq!((year.first_day(), year.last_day()), (date(2017, 4, 1), date(2018, 3, 31)));
        for (day, expected) in [
            (date(2017, 3, 31), "2016-17"),
            (date(2017, 4, 1), "2017-18"),
            (date(2018, 3, 31), "2017-18"),
            (date(2018, 4, 1), "2018-19"),
            (date(1999, 12, 31), "1999-00"),
        ] {
            assert_eq!(FinancialYear::of(day).unwrap().to_string(), expected, "{day}");
            assert_eq!(Period::of(day).unwrap().financial_year().to_string(), expected, "{day}");
        }
        let months: Vec<_> = year.periods().map(|p| p.to_string()).collect();
        assert_eq!((months.len(), months[0].as_str(), months[11].as_str()), (12, "2017-04", "2018-03"));
        assert_eq!("1999-00".parse::<FinancialYear>().unwrap().next().unwrap().to_string(), "2000-01");
    }

    #[test]
    fn months_have_days_and_neighbours() {
        let month: Period = "2018-02".parse().unwrap();
        assert_eq!((month.first_day(), month.last_day()), (date(2018, 2, 1), date(2018, 2, 28)));
        assert_eq!(month.financial_month(), 11);
        assert_eq!("2017-04".parse::<Period>().unwrap().financial_month(), 1);
        assert_eq!("2017-12".parse::<Period>().unwrap().next(), "2018-01".parse().ok());
        assert_eq!("1900-01".parse::<Period>().unwrap().previous(), None);
        assert_eq!("2999-12".parse::<Period>().unwrap().next(), None);
        assert!(month.contains(date(2018, 2, 28)) && !month.contains(date(2018, 3, 1)));
    }

    #[test]
    fn other_spellings_are_refused() {
        for bad in ["", "2017-6", "2017/06", "2017-00", "2017-13", "201706", "1899-12", "+017-06", "2017-0６"]
        {
            assert!(bad.parse::<Period>().is_err(), "{bad:?}");
        }
        for bad in ["", "2017", "2017-2018", "2017/18", "201718", "1899-00"] {
            assert!(bad.parse::<FinancialYear>().is_err(), "{bad:?}");
        }
        assert_eq!("2017-19".parse::<FinancialYear>().unwrap_err().problem, Problem::YearsDoNotFollow);
        assert!(minicbor::decode::<Period>(&minicbor::to_vec(201_713).unwrap()).is_err());
        assert!(FinancialYear::of(date(1900, 3, 31)).is_err() && Period::of(date(-1, 1, 1)).is_err());
    }

    proptest! {
        #[test]
        fn every_month_round_trips(year in 1901_i16..=2999, month in 1_i8..=12) {
            let period = Period::new(year, month).unwrap();
            prop_assert_eq!(period.to_string().parse::<Period>(), Ok(period));
            prop_assert_eq!(minicbor::decode::<Period>(&minicbor::to_vec(period).unwrap()).unwrap(), period);
            prop_assert!(period.contains(period.first_day()) && period.contains(period.last_day()));
            prop_assert!(period.financial_year().periods().any(|p| p == period));
            if let Some(next) = period.next() {
                prop_assert_eq!(next.previous(), Some(period));
                prop_assert_eq!(period.last_day().tomorrow().unwrap(), next.first_day());
            }
            let fy = period.financial_year();
            prop_assert_eq!(fy.to_string().parse::<FinancialYear>(), Ok(fy));
            prop_assert_eq!(minicbor::decode::<FinancialYear>(&minicbor::to_vec(fy).unwrap()).unwrap(), fy);
        }

        #[test]
        fn any_text_is_answered(text in ".{0,10}") {
            let _ = (text.parse::<Period>(), text.parse::<FinancialYear>());
        }
    }
}
