//! United Kingdom bank details, by shape only: whether an account exists, and whose it is, is found out elsewhere.

use crate::{
    Field, ParseError,
    text::{self, Inline, cbor_as_text},
};
use core::{fmt, str::FromStr};

/// A bank sort code: six digits, written `12-34-56`; read with or without hyphens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SortCode(Inline<6>);

/// A bank account number of exactly eight digits.
///
/// Shorter numbers exist and are padded with zeros on the left by whoever holds them: padding here would turn a digit
/// left out into somebody else's account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountNumber(Inline<8>);

impl SortCode {
    /// The six digits without hyphens, as payment files carry them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl AccountNumber {
    /// The eight digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for SortCode {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        if let [a, b, b'-', c, d, b'-', e, f] = bytes {
            let plain = [*a, *b, *c, *d, *e, *f];
            text::check_pattern(Field::SortCode, &plain, b"999999")?;
            return Ok(Self(Inline::new(&plain)));
        }
        text::check_pattern(Field::SortCode, bytes, b"999999")?;
        Ok(Self(Inline::new(bytes)))
    }
}

impl FromStr for AccountNumber {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text::check_pattern(Field::AccountNumber, text.as_bytes(), b"99999999")?;
        Ok(Self(Inline::new(text.as_bytes())))
    }
}

impl fmt::Display for SortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |range| self.as_str().get(range).unwrap_or_default();
        write!(f, "{}-{}-{}", part(0..2), part(2..4), part(4..6))
    }
}

impl fmt::Display for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for SortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SortCode({self})")
    }
}

/// Shows the last three digits only: an account number in a log is a gift.
impl fmt::Debug for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountNumber(*****{})", self.as_str().get(5..).unwrap_or_default())
    }
}

cbor_as_text!(SortCode);
cbor_as_text!(AccountNumber);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shapes() {
        let sort: SortCode = "08-99-99".parse().unwrap();
        assert_eq!(Ok(sort), "089999".parse());
        assert_eq!((sort.as_str(), sort.to_string().as_str()), ("089999", "08-99-99"));
        for bad in ["", "08999", "0899999", "08-9999", "08 99 99", "O89999", "08-99-9A"] {
            assert!(bad.parse::<SortCode>().is_err(), "{bad:?}");
        }
        let account: AccountNumber = "66374958".parse().unwrap();
        assert_eq!(account.to_string(), "66374958");
        assert_eq!(format!("{account:?}"), "AccountNumber(*****958)");
        for bad in ["", "6637495", "663749580", "6637495A", " 66374958"] {
            assert!(bad.parse::<AccountNumber>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn details_round_trip(sort in "[0-9]{6}", account in "[0-9]{8}") {
            let (sort, account): (SortCode, AccountNumber) = (sort.parse().unwrap(), account.parse().unwrap());
            prop_assert_eq!(sort.to_string().parse::<SortCode>(), Ok(sort));
            prop_assert_eq!(minicbor::decode::<SortCode>(&minicbor::to_vec(sort).unwrap()).unwrap(), sort);
            prop_assert_eq!(minicbor::decode::<AccountNumber>(&minicbor::to_vec(account).unwrap()).unwrap(), account);
        }
    }
}
