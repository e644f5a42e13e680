//! The NHS number: read, checked, compared, never shown by accident.

use crate::{Field, ParseError, Problem, text};
use core::{fmt, str::FromStr};
use minicbor::{Decode, Encode};

/// An NHS number: ten digits whose last is the modulus 11 check digit of the first nine.
///
/// Reads `9434765919` or `943 476 5919`. Its `Debug` shows nothing and it has no `Display`: only the identity plane
/// holds one, and shows it by [`NhsNumber::reveal`] on purpose.
///
/// Source: NHS Data Dictionary, NHS Number. Its last step says to compare the remainder with the check digit; what is
/// compared is 11 less the remainder, with 11 written 0, and a number that would need 10 was never issued. The ten
/// repdigits pass that arithmetic (their weights sum to 54) and are refused apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NhsNumber(u64);

impl NhsNumber {
    /// The ten digits as a number, for the identity plane only. Leading zeros are lost; see [`NhsNumber::reveal_text`].
    #[must_use]
    pub const fn reveal(self) -> u64 {
        self.0
    }

    /// The ten digits as text, for the identity plane only.
    #[must_use]
    pub fn reveal_text(self) -> String {
        format!("{:010}", self.0)
    }

    /// Whether it lies in the range 999…, kept for tests (NHS practice, unverified).
    #[must_use]
    pub const fn is_test(self) -> bool {
        self.0 / 10_000_000 == 999
    }

    /// The number of the test range whose first nine digits are 999 and `serial` in six digits, or `None` when `serial`
    /// has more digits or its check digit would be 10 (about one in eleven).
    #[must_use]
    pub fn of_test_range(serial: u32) -> Option<Self> {
        if serial > 999_999 {
            return None;
        }
        let nine = 999_000_000_u64.saturating_add(u64::from(serial));
        let check = check_digit(nine)?;
        let number = nine.saturating_mul(10).saturating_add(check);
        Self::from_digits(number).ok()
    }

    /// The number of these ten digits. Errors as the text does.
    pub fn from_digits(number: u64) -> Result<Self, ParseError> {
        let refuse = |problem| Err(Field::NhsNumber.refuse(problem));
        if number > 9_999_999_999 {
            return refuse(Problem::OutOfRange);
        }
        if number.is_multiple_of(1_111_111_111) {
            return refuse(Problem::Repdigit);
        }
        if check_digit(number / 10) == Some(number % 10) {
            Ok(Self(number))
        } else {
            refuse(Problem::CheckDigit)
        }
    }
}

/// The check digit of the first nine digits, or `None` when it would be 10.
fn check_digit(nine: u64) -> Option<u64> {
    // Weights 10 down to 2 from the left are 2 up to 10 from the right.
    let mut rest = nine;
    let mut sum = 0_u64;
    for weight in 2..=10_u64 {
        sum = sum.saturating_add((rest % 10).saturating_mul(weight));
        rest /= 10;
    }
    match 11_u64.saturating_sub(sum % 11) {
        11 => Some(0),
        10 => None,
        check => Some(check),
    }
}

impl FromStr for NhsNumber {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        let spaced = bytes.len() == 12 && bytes.get(3) == Some(&b' ') && bytes.get(7) == Some(&b' ');
        let mut ten = [0_u8; 10];
        if spaced {
            text::check_each(
                Field::NhsNumber,
                bytes.iter().enumerate().map(|(at, b)| at == 3 || at == 7 || b.is_ascii_digit()),
            )?;
            let digits = bytes.iter().filter(|b| b.is_ascii_digit());
            ten.iter_mut().zip(digits).for_each(|(slot, byte)| *slot = *byte);
        } else {
            text::check_pattern(Field::NhsNumber, bytes, b"9999999999")?;
            ten.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
        }
        Self::from_digits(text::digits(&ten))
    }
}

impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NhsNumber(withheld)")
    }
}

impl<C> Encode<C> for NhsNumber {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.u64(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for NhsNumber {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::from_digits(d.u64()?).map_err(minicbor::decode::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_vectors() {
        let table = [
            ("9434765919", Ok(9_434_765_919)),
            ("943 476 5919", Ok(9_434_765_919)),
            ("9434765870", Ok(9_434_765_870)),
            ("9434765918", Err(Problem::CheckDigit)),
            ("9990000001", Err(Problem::CheckDigit)),
            ("943476591", Err(Problem::Length { found: 9 })),
            ("94347659190", Err(Problem::Length { found: 11 })),
            ("943-476-5919", Err(Problem::Length { found: 12 })),
            ("943 476 591X", Err(Problem::Character { position: 12 })),
            ("943476591X", Err(Problem::Character { position: 10 })),
            ("", Err(Problem::Empty)),
        ];
        for (text, expected) in table {
            let found = text.parse::<NhsNumber>().map(NhsNumber::reveal).map_err(|e| e.problem);
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn nine_nine_nine_and_six_zeros_has_no_check_digit() {
        for last in 0..10 {
            assert!(format!("999000000{last}").parse::<NhsNumber>().is_err(), "{last}");
        }
        assert_eq!(NhsNumber::of_test_range(0), None);
        assert_eq!(NhsNumber::of_test_range(1_000_000), None);
    }

    #[test]
    fn every_repdigit_passes_the_checksum_and_is_refused() {
        for digit in '0'..='9' {
            let text = digit.to_string().repeat(10);
            let number: u64 = text.parse().unwrap();
            assert_eq!(check_digit(number / 10), Some(number % 10), "{text}");
            let error = text.parse::<NhsNumber>().unwrap_err();
            assert_eq!(error.problem, Problem::Repdigit, "{text}");
            assert_eq!(error.reason(), "NHS_NUMBER_REPDIGIT");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let number: NhsNumber = "9434765919".parse().unwrap();
        assert_eq!(format!("{number:?} {number:#?}"), "NhsNumber(withheld) NhsNumber(withheld)");
        assert!(!format!("{:?}", "9434765918".parse::<NhsNumber>()).contains("94347"));
    }

    proptest! {
        #[test]
        fn one_digit_changed_is_always_noticed(serial in 0..1_000_000_u32, at in 0..10_usize, by in 1..10_u8) {
            let Some(number) = NhsNumber::of_test_range(serial) else { return Ok(()) };
            prop_assert!(number.is_test());
            let mut digits = number.reveal_text().into_bytes();
            digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
            let text = String::from_utf8(digits).unwrap();
            prop_assert!(text.parse::<NhsNumber>().is_err());
        }

        #[test]
        fn text_and_cbor_round_trip(serial in 0..1_000_000_u32) {
            let Some(number) = NhsNumber::of_test_range(serial) else { return Ok(()) };
            prop_assert_eq!(number.reveal_text().parse::<NhsNumber>(), Ok(number));
            let bytes = minicbor::to_vec(number).unwrap();
            prop_assert!(bytes.len() <= 9);
            prop_assert_eq!(minicbor::decode::<NhsNumber>(&bytes).unwrap(), number);
        }

        #[test]
        fn any_text_is_answered(text in ".{0,14}") {
            let _ = text.parse::<NhsNumber>();
        }
    }
}
