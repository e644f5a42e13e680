//! Organisations, sites, practices and districts.

use crate::{
    Field, ParseError, Problem,
    text::{self, Inline, text_code},
};
use core::str::FromStr;

/// The code of an organisation or site in the Organisation Data Service, in its one canonical spelling.
///
/// Three characters name a trust (`RHW`), an independent provider (`NT3`) or a commissioner (`10M`); five a site
/// (`NT344`) or a newer organisation (`G3Q3Z`); six a practice (`K81017`). Commissioning data sets pad three-character
/// codes to five with `00` (`RHW00`, `10M00`): that padding is taken off, or look-ups and market forces factors fail.
/// It is taken off only after a code that begins with R, N or a digit, because `VPP00` (private patient) and its kin are
/// issued as they stand (NHS practice, unverified). Lower case is refused: ODS issues capitals, and one organisation has
/// one spelling.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OdsCode(Inline<6>);

text_code!(OdsCode);

impl OdsCode {
    /// The organisation that a site's code begins with: `NT3` of `NT344`, `RHW` of `RHW01`; any other code is itself.
    ///
    /// Only trusts (R) and independent providers (N) build site codes so. Who is *paid* for a site is the registry's
    /// to say, not the code's.
    #[must_use]
    pub fn organisation(self) -> Self {
        match self.0.as_bytes() {
            [first @ (b'R' | b'N'), second, third, _, _] => Self(Inline::new(&[*first, *second, *third])),
            _ => self,
        }
    }

    /// Whether it has five characters beginning with R or N, as sites of trusts and independent providers do.
    #[must_use]
    pub fn is_site(self) -> bool {
        matches!(self.0.as_bytes(), [b'R' | b'N', _, _, _, _])
    }

    /// Whether it, or the organisation of the site, has the shape of an NHS trust's code (R and two characters).
    #[must_use]
    pub fn is_trust(self) -> bool {
        matches!(self.0.as_bytes(), [b'R', _, _] | [b'R', _, _, _, _])
    }

    /// Whether it, or the organisation of the site, has the shape of an independent provider's code (N and two
    /// characters).
    #[must_use]
    pub fn is_independent(self) -> bool {
        matches!(self.0.as_bytes(), [b'N', _, _] | [b'N', _, _, _, _])
    }

    /// Whether it has the shape of a clinical commissioning group's code of 2013 to 2019: two digits and a character.
    #[must_use]
    pub fn is_commissioner(self) -> bool {
        matches!(self.0.as_bytes(), [b'0'..=b'9', b'0'..=b'9', _])
    }
}

impl FromStr for OdsCode {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        match bytes.len() {
            0 => return Err(Field::OdsCode.refuse(Problem::Empty)),
            3 | 5 | 6 => {}
            found => return Err(Field::OdsCode.refuse(Problem::Length { found })),
        }
        text::check_each(Field::OdsCode, bytes.iter().map(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))?;
        let canonical = match bytes {
            [b'R' | b'N' | b'0'..=b'9', _, _, b'0', b'0'] => bytes.get(..3).unwrap_or(bytes),
            _ => bytes,
        };
        Ok(Self(Inline::new(canonical)))
    }
}

impl From<PracticeCode> for OdsCode {
    fn from(practice: PracticeCode) -> Self {
        Self(practice.0)
    }
}

/// The ODS code of a GP practice: a capital letter and five digits, `K81017`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PracticeCode(Inline<6>);

text_code!(PracticeCode);

impl PracticeCode {
    /// Whether it is one of the codes that stand for "no practice": `V81997` (none registered), `V81998` (not
    /// applicable), `V81999` (not known). The payer then follows residence.
    #[must_use]
    pub fn is_default(self) -> bool {
        matches!(self.as_str(), "V81997" | "V81998" | "V81999")
    }
}

impl FromStr for PracticeCode {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text::check_pattern(Field::PracticeCode, text.as_bytes(), b"A99999")?;
        Ok(Self(Inline::new(text.as_bytes())))
    }
}

/// The outward part of a postcode in capitals: `RG14`, `SW1A`. The rest of a postcode identifies people and is not held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PostcodeDistrict(Inline<4>);

text_code!(PostcodeDistrict);

impl PostcodeDistrict {
    /// The district of a full postcode: what stands before its last three characters, spaces aside. Errors when that is
    /// not a district.
    pub fn of_postcode(postcode: &str) -> Result<Self, ParseError> {
        let refuse = |found| Field::PostcodeDistrict.refuse(Problem::Length { found });
        let mut held = [0_u8; 7];
        let mut length = 0_usize;
        for byte in postcode.bytes().filter(|b| *b != b' ') {
            *held.get_mut(length).ok_or_else(|| refuse(postcode.len()))? = byte;
            length = length.saturating_add(1);
        }
        let outward = held.get(..length.saturating_sub(3)).unwrap_or(&[]);
        core::str::from_utf8(outward).map_err(|_| refuse(postcode.len()))?.parse()
    }
}

impl FromStr for PostcodeDistrict {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        let patterns: &[&[u8]] = match bytes.len() {
            2 => &[b"A9"],
            3 => &[b"A99", b"AA9", b"A9A"],
            4 => &[b"AA99", b"AA9A"],
            0 => return Err(Field::PostcodeDistrict.refuse(Problem::Empty)),
            found => return Err(Field::PostcodeDistrict.refuse(Problem::Length { found })),
        };
        let check = |pattern: &&[u8]| text::check_pattern(Field::PostcodeDistrict, bytes, pattern);
        match patterns.iter().map(check).reduce(Result::or) {
            Some(Err(error)) => Err(error),
            Some(Ok(())) | None => Ok(Self(Inline::new(bytes))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn padding_is_taken_off_where_it_is_padding() {
        let table = [
            ("RAX", Ok("RAX")),
            ("RAX00", Ok("RAX")),
            ("RH802", Ok("RH802")),
            ("NT344", Ok("NT344")),
            ("NVC00", Ok("NVC")),
            ("10M", Ok("10M")),
            ("10M00", Ok("10M")),
            ("VPP00", Ok("VPP00")),
            ("G3Q3Z", Ok("G3Q3Z")),
            ("K81017", Ok("K81017")),
            ("K81000", Ok("K81000")),
            ("rhw", Err(Problem::Character { position: 1 })),
            ("RH-02", Err(Problem::Character { position: 3 })),
            ("RHW ", Err(Problem::Length { found: 4 })),
            ("RHW0000", Err(Problem::Length { found: 7 })),
            ("", Err(Problem::Empty)),
        ];
        for (text, expected) in table {
            let found = text.parse::<OdsCode>();
            let found = found.as_ref().map(OdsCode::as_str).map_err(|e| e.problem);
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn shapes_tell_kinds_apart() {
        let code = |text: &str| text.parse::<OdsCode>().unwrap();
        assert_eq!(code("NT344").organisation(), code("NT3"));
        assert_eq!(code("RHW01").organisation(), code("RHW00"));
        assert_eq!(code("G3Q3Z").organisation(), code("G3Q3Z"));
        assert!(code("NT344").is_site() && !code("NT3").is_site() && !code("VPP00").is_site());
        assert!(code("RHW").is_trust() && code("RHW01").is_trust() && !code("R12345").is_trust());
        assert!(code("NVC02").is_independent() && !code("RHW").is_independent());
        assert!(
            code("10M").is_commissioner() && code("99A").is_commissioner() && !code("RHW").is_commissioner()
        );
    }

    #[test]
    fn practices_and_districts() {
        let practice: PracticeCode = "K81017".parse().unwrap();
        assert_eq!(OdsCode::from(practice).as_str(), "K81017");
        assert!("V81997".parse::<PracticeCode>().unwrap().is_default() && !practice.is_default());
        for bad in ["", "K8101", "K810177", "K8101A", "k81017", "881017"] {
            assert!(bad.parse::<PracticeCode>().is_err(), "{bad:?}");
        }
        for good in ["M1", "M60", "CR0", "W1A", "RG14", "EC1A"] {
            assert_eq!(good.parse::<PostcodeDistrict>().unwrap().as_str(), good);
        }
        for bad in ["", "R", "RG", "rg1", "RG141", "1RG", "RG1 ", "R1AA"] {
            assert!(bad.parse::<PostcodeDistrict>().is_err(), "{bad:?}");
        }
        for (postcode, district) in [("RG14 5AA", "RG14"), ("RG145AA", "RG14"), ("SW1A 1AA", "SW1A")] {
            assert_eq!(PostcodeDistrict::of_postcode(postcode).unwrap().as_str(), district);
        }
        for bad in ["", "RG14", "5AA", "RG14 5AA 1", "é14 5AA"] {
            assert!(PostcodeDistrict::of_postcode(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_code_is_canonical(text in "[A-Z0-9]{3}|[A-Z0-9]{5,6}") {
            let code: OdsCode = text.parse().unwrap();
            prop_assert_eq!(code.to_string().parse::<OdsCode>(), Ok(code));
            prop_assert!(text.starts_with(code.as_str()));
            let bytes = minicbor::to_vec(code).unwrap();
            prop_assert_eq!(minicbor::decode::<OdsCode>(&bytes).unwrap(), code);
        }

        #[test]
        fn codes_order_like_their_text(a in "[A-Z0-9]{3}|[A-Z0-9]{6}", b in "[A-Z0-9]{3}|[A-Z0-9]{6}") {
            let code = |text: &str| text.parse::<OdsCode>().unwrap();
            prop_assert_eq!(code(&a).cmp(&code(&b)), a.cmp(&b));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,12}") {
            let _ = (text.parse::<OdsCode>(), text.parse::<PracticeCode>(), text.parse::<PostcodeDistrict>());
            let _ = PostcodeDistrict::of_postcode(&text);
        }
    }
}
