//! What refers to one booking, one record, one person.

use crate::{
    Field, ParseError, Problem,
    text::{self, Inline, text_code},
};
use core::{fmt, str::FromStr};
use minicbor::{Decode, Encode, bytes::ByteArray};

/// A unique booking reference number of the NHS e-Referral Service: 12 digits, leading zeros included.
///
/// It has no public check digit. All zeros is refused: senders use it as a filler for "none".
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ubrn(u64);

impl Ubrn {
    /// The reference of these digits. Errors when there are more than 12, or only zeros.
    pub fn from_digits(digits: u64) -> Result<Self, ParseError> {
        match digits {
            0 => Err(Field::Ubrn.refuse(Problem::Filler)),
            1..=999_999_999_999 => Ok(Self(digits)),
            _ => Err(Field::Ubrn.refuse(Problem::OutOfRange)),
        }
    }

    /// The digits as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for Ubrn {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text::check_pattern(Field::Ubrn, text.as_bytes(), b"999999999999")?;
        Self::from_digits(text::digits(text.as_bytes()))
    }
}

impl fmt::Display for Ubrn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl fmt::Debug for Ubrn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ubrn({self})")
    }
}

impl<C> Encode<C> for Ubrn {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.u64(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Ubrn {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::from_digits(d.u64()?).map_err(minicbor::decode::Error::custom)
    }
}

/// A CDS unique identifier: the sender's name for one record, 1 to 35 capital letters, digits and `-/._:`.
///
/// It must stay the same for the record's life, or the record is counted twice. It must not contain the NHS number
/// (NHS Data Dictionary, CDS Unique Identifier); that is not tested here, because one ten-digit serial number in eleven
/// passes the NHS number's check digit and would be refused wrongly.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CdsIdentifier(Inline<35>);

text_code!(CdsIdentifier);

impl FromStr for CdsIdentifier {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        match bytes.len() {
            0 => return Err(Field::CdsIdentifier.refuse(Problem::Empty)),
            1..=35 => {}
            found => return Err(Field::CdsIdentifier.refuse(Problem::Length { found })),
        }
        let good = |b: &u8| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'/' | b'.' | b'_' | b':');
        text::check_each(Field::CdsIdentifier, bytes.iter().map(good))?;
        Ok(Self(Inline::new(bytes)))
    }
}

/// A provider's own number for a spell or an attendance (hospital provider spell number, attendance identifier): 1 to 20
/// letters, digits and `-/._:`, as the provider's system writes it. It must not be made of an NHS number.
///
/// The NHS Data Dictionary gives both 12 characters; local systems prefix them (NHS practice, unverified), hence 20.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalIdentifier(Inline<20>);

text_code!(LocalIdentifier);

impl FromStr for LocalIdentifier {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        match bytes.len() {
            0 => return Err(Field::LocalIdentifier.refuse(Problem::Empty)),
            1..=20 => {}
            found => return Err(Field::LocalIdentifier.refuse(Problem::Length { found })),
        }
        let good = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'/' | b'.' | b'_' | b':');
        text::check_each(Field::LocalIdentifier, bytes.iter().map(good))?;
        Ok(Self(Inline::new(bytes)))
    }
}

/// A patient pathway identifier: what providers carry from a referral to its treatment and hand on at a transfer. 1 to 20 letters,
/// digits and `-/._:`. Its issuer makes it unique, so it names a pathway together with the patient only (NHS Data Dictionary,
/// Patient Pathway Identifier). It must not be made of an NHS number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathwayIdentifier(Inline<20>);

text_code!(PathwayIdentifier);

impl FromStr for PathwayIdentifier {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        match bytes.len() {
            0 => return Err(Field::PathwayIdentifier.refuse(Problem::Empty)),
            1..=20 => {}
            found => return Err(Field::PathwayIdentifier.refuse(Problem::Length { found })),
        }
        let good = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'/' | b'.' | b'_' | b':');
        text::check_each(Field::PathwayIdentifier, bytes.iter().map(good))?;
        Ok(Self(Inline::new(bytes)))
    }
}

/// The 16 random bytes that stand for a person everywhere outside the identity plane; written as 32 lower-case
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pseudonym([u8; 16]);

impl Pseudonym {
    /// The pseudonym of these bytes. Minting random ones is the identity service's work.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The bytes as one big-endian number, for look-up.
    #[must_use]
    pub const fn to_u128(self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl FromStr for Pseudonym {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        match bytes.len() {
            0 => return Err(Field::Pseudonym.refuse(Problem::Empty)),
            32 => {}
            found => return Err(Field::Pseudonym.refuse(Problem::Length { found })),
        }
        text::check_each(Field::Pseudonym, bytes.iter().map(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))?;
        let value =
            u128::from_str_radix(text, 16).map_err(|_| Field::Pseudonym.refuse(Problem::OutOfRange))?;
        Ok(Self(value.to_be_bytes()))
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.to_u128())
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pseudonym({self})")
    }
}

impl<C> Encode<C> for Pseudonym {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Pseudonym {
    fn decode(d: &mut minicbor::Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        ByteArray::<16>::decode(d, ctx).map(|bytes| Self(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_booking_reference_has_twelve_digits() {
        assert_eq!("000049382716".parse::<Ubrn>().unwrap().to_string(), "000049382716");
        let table = [
            ("00004938271", Problem::Length { found: 11 }),
            ("0000493827160", Problem::Length { found: 13 }),
            ("00004938271A", Problem::Character { position: 12 }),
            ("000000000000", Problem::Filler),
            ("", Problem::Empty),
        ];
        for (text, problem) in table {
            assert_eq!(text.parse::<Ubrn>().unwrap_err().problem, problem, "{text:?}");
        }
    }

    #[test]
    fn a_record_has_a_short_name_without_spaces() {
        for good in ["1", "BRHW000000000000001", "NT3/OP-2017.06_1:2"] {
            assert_eq!(good.parse::<CdsIdentifier>().unwrap().as_str(), good);
        }
        assert!("B".repeat(35).parse::<CdsIdentifier>().is_ok());
        for bad in ["", " B1", "B1 ", "b1", "B,1", "B\n1", "é", &"B".repeat(36)] {
            assert!(bad.parse::<CdsIdentifier>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_local_number_keeps_its_case() {
        for good in ["1", "sp-000123/4", "ATT_2017.06:12"] {
            let local = good.parse::<LocalIdentifier>().unwrap();
            assert_eq!(local.as_str(), good);
            assert_eq!(
                minicbor::decode::<LocalIdentifier>(&minicbor::to_vec(local).unwrap()).unwrap(),
                local
            );
        }
        assert!("9".repeat(20).parse::<LocalIdentifier>().is_ok());
        for bad in ["", " 1", "1 2", "1,2", "é", &"9".repeat(21)] {
            assert!(bad.parse::<LocalIdentifier>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_pseudonym_has_one_spelling() {
        let text = "000102030405060708090a0b0c0d0e0f";
        let pseudonym: Pseudonym = text.parse().unwrap();
        assert_eq!(pseudonym.as_bytes(), &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(pseudonym.to_string(), text);
        for bad in ["", "0", &text.to_uppercase(), &text[1..], "+00102030405060708090a0b0c0d0e0f"] {
            assert!(bad.parse::<Pseudonym>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn everything_round_trips(bytes: [u8; 16], digits in 1..=999_999_999_999_u64, text in "[A-Z0-9/._:-]{1,35}") {
            let pseudonym = Pseudonym::new(bytes);
            prop_assert_eq!(pseudonym.to_string().parse::<Pseudonym>(), Ok(pseudonym));
            let encoded = minicbor::to_vec(pseudonym).unwrap();
            prop_assert_eq!(encoded.len(), 17);
            prop_assert_eq!(minicbor::decode::<Pseudonym>(&encoded).unwrap(), pseudonym);
            let ubrn = Ubrn::from_digits(digits).unwrap();
            prop_assert_eq!(ubrn.to_string().parse::<Ubrn>(), Ok(ubrn));
            prop_assert_eq!(minicbor::decode::<Ubrn>(&minicbor::to_vec(ubrn).unwrap()).unwrap(), ubrn);
            let record: CdsIdentifier = text.parse().unwrap();
            prop_assert_eq!(minicbor::decode::<CdsIdentifier>(&minicbor::to_vec(record).unwrap()).unwrap(), record);
        }

        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _ = (text.parse::<Ubrn>(), text.parse::<CdsIdentifier>(), text.parse::<Pseudonym>());
        }
    }
}
