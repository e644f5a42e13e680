//! Amounts of money as files write them.

use crate::Value;
use serde::Deserialize;

/// What one is in a column of amounts. It is stated, never recognised: `16672` could be either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Whole pence.
    Pence,
    /// Pounds and pence: `166.72`, with or without `£` and commas between thousands.
    Pounds,
}

/// What becomes of more than two decimals of a pound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decimals {
    /// The value cannot be read. Zeros aside: `166.7200` is `166.72`.
    #[default]
    Two,
    /// It is rounded to the nearest penny, halves away from zero.
    NearestPenny,
}

/// An amount that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) pence: i64,
    pub(crate) rounded: bool,
}

/// Reads an amount; [`Value::Bad`] when it is none or does not fit.
pub(crate) fn read(text: &str, unit: Unit, decimals: Decimals) -> Value<Amount> {
    if text.is_empty() {
        return Value::Blank;
    }
    parse(text, unit, decimals).map_or(Value::Bad, Value::Good)
}

fn parse(text: &str, unit: Unit, decimals: Decimals) -> Option<Amount> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let text = text.strip_prefix('£').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    if fraction == Some("") {
        return None;
    }
    let whole = number(&grouped(whole)?)?;
    let fraction = fraction.unwrap_or("").trim_end_matches('0');
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (magnitude, rounded) = match unit {
        Unit::Pence => (whole, !fraction.is_empty()),
        Unit::Pounds => {
            let mut digits = fraction.bytes().chain(core::iter::repeat(b'0')).map(|b| i64::from(b & 0x0f));
            let (tens, ones, next) = (digits.next()?, digits.next()?, digits.next()?);
            let pence = tens.checked_mul(10)?.checked_add(ones)?.checked_add(i64::from(next >= 5))?;
            (whole.checked_mul(100)?.checked_add(pence)?, fraction.len() > 2)
        }
    };
    if rounded && (decimals == Decimals::Two || unit == Unit::Pence) {
        return None;
    }
    Some(Amount { pence: if negative { magnitude.checked_neg()? } else { magnitude }, rounded })
}

/// The digits of a whole number, without commas that stand between thousands.
fn grouped(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    let well =
        rest.iter().all(|group| group.len() == 3) && (rest.is_empty() || (1..=3).contains(&first.len()));
    well.then(|| text.replace(',', ""))
}

fn number(digits: &str) -> Option<i64> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pounds_and_pence() {
        let (two, nearest) = (Decimals::Two, Decimals::NearestPenny);
        let table = [
            ("0", Unit::Pounds, two, Some(0)),
            ("166.7", Unit::Pounds, two, Some(166_70)),
            ("166.72", Unit::Pounds, two, Some(166_72)),
            ("166.7200", Unit::Pounds, two, Some(166_72)),
            ("£1,166.72", Unit::Pounds, two, Some(1_166_72)),
            ("-12.00", Unit::Pounds, two, Some(-12_00)),
            ("-£12", Unit::Pounds, two, Some(-12_00)),
            ("1,00", Unit::Pounds, two, None),
            ("1234,567", Unit::Pounds, two, None),
            (",123", Unit::Pounds, two, None),
            ("1.234", Unit::Pounds, two, None),
            ("1.234", Unit::Pounds, nearest, Some(1_23)),
            ("1.235", Unit::Pounds, nearest, Some(1_24)),
            ("-1.235", Unit::Pounds, nearest, Some(-1_24)),
            ("0.999", Unit::Pounds, nearest, Some(1_00)),
            (".5", Unit::Pounds, two, None),
            ("1.", Unit::Pounds, two, None),
            ("1.2e3", Unit::Pounds, nearest, None),
            ("$1", Unit::Pounds, two, None),
            ("--1", Unit::Pounds, two, None),
            ("92233720368547758.08", Unit::Pounds, two, None),
            ("92233720368547758.07", Unit::Pounds, two, Some(i64::MAX)),
            ("16672", Unit::Pence, two, Some(166_72)),
            ("16672.00", Unit::Pence, two, Some(166_72)),
            ("16672.5", Unit::Pence, nearest, None),
            ("-1", Unit::Pence, two, Some(-1)),
        ];
        for (text, unit, decimals, expected) in table {
            let read = match read(text, unit, decimals) {
                Value::Good(amount) => Some(amount.pence),
                Value::Bad => None,
                Value::Blank => panic!("{text}"),
            };
            assert_eq!(read, expected, "{text}");
        }
        assert_eq!(read("", Unit::Pence, two), Value::Blank);
    }
}
