//! What was done, and under which function.

use crate::{
    Field, ParseError, Problem,
    text::{self, Inline, text_code},
};
use core::{fmt, str::FromStr};
use minicbor::{Decode, Encode};

/// A healthcare resource group (HRG4+): two letters, two digits, a letter. `Z` at the end marks a group that is not
/// split by complexity. The dozen older emergency department codes of other shapes (`DOA`, `V01…`) are refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hrg(Inline<5>);

text_code!(Hrg);

impl Hrg {
    /// The subchapter: `BZ` of `BZ34C`.
    #[must_use]
    pub fn subchapter(&self) -> &str {
        self.as_str().get(..2).unwrap_or_default()
    }

    /// A number that is unique to the group, for look-up: below 26 × 26 × 100 × 26 = 1,757,600.
    #[must_use]
    pub fn key(self) -> u32 {
        self.0.as_bytes().iter().enumerate().fold(0, |key: u32, (at, byte)| {
            let (radix, zero) = if at == 2 || at == 3 { (10, b'0') } else { (26, b'A') };
            key.saturating_mul(radix).saturating_add(u32::from(byte.saturating_sub(zero)))
        })
    }
}

impl FromStr for Hrg {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text::check_pattern(Field::Hrg, text.as_bytes(), b"AA99A")?;
        Ok(Self(Inline::new(text.as_bytes())))
    }
}

const LIST: &str = include_str!("../data/treatment_functions.csv");

/// Where the row of each code begins in [`LIST`]; 0 (the heading) where there is none.
static ROWS: [u16; 1000] = index_rows(LIST.as_bytes());

/// Reads the list while compiling, so that a malformed row fails the build and a look-up costs one load.
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::cast_possible_truncation
)]
const fn index_rows(list: &[u8]) -> [u16; 1000] {
    let mut rows = [0; 1000];
    let mut at = 0;
    let mut heading = true;
    while at < list.len() {
        if !heading {
            assert!(list[at + 3] == b',', "a row does not begin with three digits and a comma");
            let mut code = 0;
            let mut digit = 0;
            while digit < 3 {
                assert!(list[at + digit].is_ascii_digit(), "a code is not three digits");
                code = code * 10 + (list[at + digit] - b'0') as usize;
                digit += 1;
            }
            assert!(
                rows[code] == 0 && at <= u16::MAX as usize,
                "a code stands twice, or the list is too long"
            );
            rows[code] = at as u16;
        }
        heading = false;
        while list[at] != b'\n' {
            at += 1;
        }
        at += 1;
    }
    rows
}

/// The status and title of a code's row.
fn row(code: u16) -> Option<(&'static str, &'static str)> {
    let start = usize::from(*ROWS.get(usize::from(code))?);
    if start == 0 {
        return None;
    }
    let line = LIST.get(start..)?.split('\n').next()?;
    line.get(4..)?.split_once(',')
}

/// A treatment function code: three digits that name the function a patient was treated under, `110` Trauma &
/// Orthopaedics.
///
/// Only codes of the shipped list are read from text. Main specialties that are not functions, and retired codes, are refused
/// apart. Source: NHS Data Dictionary, Treatment Function Code, May 2019.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreatmentFunction(u16, Inline<3>);

impl TreatmentFunction {
    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.1.as_str()
    }

    /// The code as a number from 100 to 999, for look-up.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The published title, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        row(self.0).map_or("", |(_, title)| title)
    }

    /// Every treatment function of the list, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..1000_u16).filter_map(|code| format!("{code:03}").parse().ok())
    }
}

impl FromStr for TreatmentFunction {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text::check_pattern(Field::TreatmentFunction, text.as_bytes(), b"999")?;
        let refuse = |problem| Err(Field::TreatmentFunction.refuse(problem));
        let Ok(code) = u16::try_from(text::digits(text.as_bytes())) else { return refuse(Problem::Unknown) };
        match row(code) {
            Some(("active", _)) => Ok(Self(code, Inline::new(text.as_bytes()))),
            Some(("retired", _)) => refuse(Problem::Retired),
            Some(_) => refuse(Problem::NotTreatmentFunction),
            None => refuse(Problem::Unknown),
        }
    }
}

impl fmt::Display for TreatmentFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TreatmentFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreatmentFunction({self})")
    }
}

impl<C> Encode<C> for TreatmentFunction {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(self.as_str())?.ok()
    }
}

/// Reads any three digits: a record written under one list must stay readable under the next, which may have retired
/// the code.
impl<'b, C> Decode<'b, C> for TreatmentFunction {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let text = d.str()?.as_bytes();
        text::check_pattern(Field::TreatmentFunction, text, b"999")
            .map_err(minicbor::decode::Error::custom)?;
        let code = u16::try_from(text::digits(text)).map_err(minicbor::decode::Error::custom)?;
        Ok(Self(code, Inline::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn groups_have_one_shape() {
        let group: Hrg = "BZ34C".parse().unwrap();
        assert_eq!((group.subchapter(), group.to_string().as_str()), ("BZ", "BZ34C"));
        for bad in ["", "BZ34", "BZ34CC", "bz34c", "B134C", "BZ3AC", "BZ341", "DOA", "V01Z"] {
            assert!(bad.parse::<Hrg>().is_err(), "{bad:?}");
        }
        let keys = |texts: &[&str]| texts.iter().map(|t| t.parse::<Hrg>().unwrap().key()).collect::<Vec<_>>();
        assert_eq!(keys(&["AA00A", "AA00B", "ZZ99Z"]), [0, 1, 1_757_599]);
    }

    #[test]
    fn the_list_holds_functions_and_knows_what_is_not_one() {
        let functions: Vec<_> = TreatmentFunction::all().collect();
        let count =
            |status: &str| LIST.lines().skip(1).filter(|l| l.split(',').nth(1) == Some(status)).count();
        assert_eq!(LIST.lines().count(), 174);
        assert_eq!(functions.len(), count("active"));
        assert_eq!(count("active") + count("retired") + count("specialty"), 173);
        assert!(functions.iter().all(|f| !f.title().is_empty()));
        let orthopaedics: TreatmentFunction = "110".parse().unwrap();
        assert_eq!((orthopaedics.title(), orthopaedics.number()), ("Trauma & Orthopaedics", 110));
        let table = [
            ("312", Problem::NotTreatmentFunction),
            ("510", Problem::Retired),
            ("999", Problem::Unknown),
            ("000", Problem::Unknown),
            ("11", Problem::Length { found: 2 }),
            ("1100", Problem::Length { found: 4 }),
            ("11A", Problem::Character { position: 3 }),
            ("", Problem::Empty),
        ];
        for (text, problem) in table {
            assert_eq!(text.parse::<TreatmentFunction>().unwrap_err().problem, problem, "{text:?}");
        }
    }

    #[test]
    fn functions_round_trip() {
        let mut seen = BTreeSet::new();
        for function in TreatmentFunction::all() {
            let bytes = minicbor::to_vec(function).unwrap();
            assert_eq!(minicbor::decode::<TreatmentFunction>(&bytes).unwrap(), function);
            assert!(seen.insert(function.number()));
        }
        let retired = minicbor::decode::<TreatmentFunction>(&minicbor::to_vec("510").unwrap()).unwrap();
        assert_eq!((retired.as_str(), retired.title()), ("510", ""));
        assert!(minicbor::decode::<TreatmentFunction>(&minicbor::to_vec("51").unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn groups_round_trip_and_keys_keep_their_order(a in "[A-Z]{2}[0-9]{2}[A-Z]", b in "[A-Z]{2}[0-9]{2}[A-Z]") {
            let (first, second): (Hrg, Hrg) = (a.parse().unwrap(), b.parse().unwrap());
            prop_assert_eq!(first.key().cmp(&second.key()), a.cmp(&b));
            prop_assert_eq!(minicbor::decode::<Hrg>(&minicbor::to_vec(first).unwrap()).unwrap(), first);
        }

        #[test]
        fn any_text_is_answered(text in ".{0,8}") {
            let _ = (text.parse::<Hrg>(), text.parse::<TreatmentFunction>());
        }
    }
}
