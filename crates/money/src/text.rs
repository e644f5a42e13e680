//! Pounds as people read and write them.

use crate::{NetPence, Pence, TotalPence};
use core::{fmt, str::FromStr};

/// A text is not an amount of pounds with at most two decimals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount of pounds: digits, at most two decimals, no sign, for example 1234.50")]
pub struct MoneyTextError(pub String);

/// Parses pounds: `1234`, `1234.5` or `1234.50`. No sign, no separator, no currency mark: a file that has them says
/// so in its mapping profile, and whatever it strips is shown.
impl FromStr for Pence {
    type Err = MoneyTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || MoneyTextError(text.chars().take(40).collect());
        let (pounds, pence) = text.split_once('.').unwrap_or((text, "00"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(pounds) || !digits(pence) || pence.len() > 2 {
            return Err(error());
        }
        let pence: i64 = format!("{pence:0<2}").parse().map_err(|_| error())?;
        let pounds: i64 = pounds.parse().map_err(|_| error())?;
        pounds.checked_mul(100).and_then(|p| p.checked_add(pence)).and_then(Pence::new).ok_or_else(error)
    }
}

fn write_pounds(f: &mut fmt::Formatter<'_>, pence: i128) -> fmt::Result {
    let size = pence.unsigned_abs();
    let (pounds, rest) = (size / 100, size % 100);
    let digits = pounds.to_string();
    let mut grouped = String::with_capacity(digits.len().saturating_mul(2));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if pence < 0 { "-" } else { "" };
    f.pad(&format!("{sign}£{grouped}.{rest:02}"))
}

impl Pence {
    /// Pounds and pence without mark or separators, as files carry them: `1234.50`.
    #[must_use]
    pub fn to_pounds(self) -> String {
        let pence = self.get();
        format!("{}.{:02}", pence / 100, pence % 100)
    }
}

impl NetPence {
    /// Pounds and pence with a leading minus when negative, without mark or separators: `-1234.50`.
    #[must_use]
    pub fn to_pounds(self) -> String {
        TotalPence::from(self).to_pounds()
    }
}

impl TotalPence {
    /// Pounds and pence with a leading minus when negative, without mark or separators: `-1234.50`.
    #[must_use]
    pub fn to_pounds(self) -> String {
        let (sign, size) = (if self.get() < 0 { "-" } else { "" }, self.get().unsigned_abs());
        format!("{sign}{}.{:02}", size / 100, size % 100)
    }
}

/// `£1,234.50`, for people.
impl fmt::Display for Pence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pounds(f, i128::from(self.get()))
    }
}

/// `-£1,234.50`, for people.
impl fmt::Display for NetPence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pounds(f, i128::from(self.get()))
    }
}

/// `-£1,234.50`, for people.
impl fmt::Display for TotalPence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pounds(f, self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pounds_read_and_print() {
        let table = [
            ("0", 0, "£0.00", "0.00"),
            ("1.5", 150, "£1.50", "1.50"),
            ("1234567.89", 123_456_789, "£1,234,567.89", "1234567.89"),
            ("92233720368547758.07", i64::MAX, "£92,233,720,368,547,758.07", "92233720368547758.07"),
        ];
        for (text, pence, people, file) in table {
            let amount: Pence = text.parse().unwrap();
            assert_eq!(amount.get(), pence);
            assert_eq!(amount.to_string(), people);
            assert_eq!(amount.to_pounds(), file);
        }
        assert_eq!(NetPence::new(-5).to_string(), "-£0.05");
        assert_eq!(NetPence::new(-123_456).to_pounds(), "-1234.56");
    }

    #[test]
    fn other_spellings_are_refused() {
        for bad in ["", "-1", "+1", "1,000", "£1", "1.", ".5", "1.234", "92233720368547758.08", "1e2", " 1"]
        {
            assert!(bad.parse::<Pence>().is_err(), "{bad:?}");
        }
    }
}
