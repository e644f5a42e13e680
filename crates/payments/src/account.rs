//! Sterling bank accounts in the United Kingdom.

use core::fmt;
use nhs::{AccountNumber, SortCode};

/// A text is not a bank account. The text is not shown: it may be a person's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Neither an IBAN nor a sort code and account number.
    #[error("not an account: an IBAN, or six digits of sort code and eight of account number")]
    Shape,
    /// Not an IBAN by its shape or its check digits (ISO 13616, modulus 97).
    #[error("not an IBAN: its shape or its check digits are wrong")]
    Iban,
    /// An IBAN of another country: sterling payments go to accounts in the United Kingdom only.
    #[error("an IBAN of `{country}`: only GB accounts are paid")]
    Country {
        /// The two letters of the country.
        country: String,
    },
}

/// A sterling account in the United Kingdom: sort code and account number, and the bank's four letters when it was
/// given as an IBAN.
///
/// `Debug` shows the last four digits only. Two spellings of one account are told by [`BankAccount::is_same_as`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BankAccount {
    sort_code: SortCode,
    account_number: AccountNumber,
    iban: Option<String>,
}

impl BankAccount {
    /// An account by sort code and account number. The modulus check against the bank's table is not done here.
    #[must_use]
    pub const fn new(sort_code: SortCode, account_number: AccountNumber) -> Self {
        Self { sort_code, account_number, iban: None }
    }

    /// An account by its IBAN (ISO 13616), with or without spaces.
    ///
    /// # Errors
    /// When its shape or check digits are wrong, or it is not of the United Kingdom.
    pub fn from_iban(text: &str) -> Result<Self, AccountError> {
        let iban: String = text.chars().filter(|c| *c != ' ').collect();
        if !iban_is_valid(&iban) {
            return Err(AccountError::Iban);
        }
        let (country, rest) = iban.split_at_checked(2).ok_or(AccountError::Iban)?;
        if country != "GB" {
            return Err(AccountError::Country { country: country.to_owned() });
        }
        // GBkk BBBB SSSSSS AAAAAAAA (SWIFT IBAN Registry, United Kingdom).
        let bank = rest.get(2..6).ok_or(AccountError::Iban)?;
        let (sort_code, account_number) =
            rest.get(6..).and_then(|digits| digits.split_at_checked(6)).ok_or(AccountError::Iban)?;
        if !bank.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(AccountError::Iban);
        }
        let sort_code = sort_code.parse().map_err(|_| AccountError::Iban)?;
        let account_number = account_number.parse().map_err(|_| AccountError::Iban)?;
        Ok(Self { sort_code, account_number, iban: Some(iban) })
    }

    /// The sort code.
    #[must_use]
    pub const fn sort_code(&self) -> SortCode {
        self.sort_code
    }

    /// The account number.
    #[must_use]
    pub const fn account_number(&self) -> AccountNumber {
        self.account_number
    }

    /// The IBAN, when the account was given as one.
    #[must_use]
    pub fn iban(&self) -> Option<&str> {
        self.iban.as_deref()
    }

    /// Sort code and account number as 14 digits, the domestic account identification of ISO 20022 (`BBAN`).
    #[must_use]
    pub fn domestic(&self) -> String {
        format!("{}{}", self.sort_code.as_str(), self.account_number.as_str())
    }

    /// Whether both name the same account, in whichever spelling.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.sort_code == other.sort_code && self.account_number == other.account_number
    }

    /// Reads either spelling: an IBAN, or 14 digits with or without hyphens and spaces.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        let plain: String = text.chars().filter(|c| *c != ' ' && *c != '-').collect();
        if !plain.bytes().all(|b| b.is_ascii_digit()) {
            return Self::from_iban(text);
        }
        let (sort_code, account_number) = plain.split_at_checked(6).ok_or(AccountError::Shape)?;
        let sort_code = sort_code.parse().map_err(|_| AccountError::Shape)?;
        let account_number = account_number.parse().map_err(|_| AccountError::Shape)?;
        Ok(Self::new(sort_code, account_number))
    }
}

impl fmt::Debug for BankAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BankAccount(..{})", self.account_number.as_str().get(4..).unwrap_or_default())
    }
}

/// ISO 13616: two letters, two check digits, up to 30 letters and digits; the rearranged number is 1 modulo 97.
fn iban_is_valid(iban: &str) -> bool {
    let Some((head, body)) = iban.split_at_checked(4) else { return false };
    let shape = (1..=30).contains(&body.len())
        && head.bytes().take(2).all(|b| b.is_ascii_uppercase())
        && head.bytes().skip(2).all(|b| b.is_ascii_digit())
        && body.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let remainder = body.chars().chain(head.chars()).try_fold(0_u32, |rest, c| {
        let value = c.to_digit(36)?;
        let shift = if value < 10 { 10 } else { 100 };
        Some(rest.checked_mul(shift)?.checked_add(value)? % 97)
    });
    shape && remainder == Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_spellings_are_one_account() {
        // The example of the SWIFT IBAN Registry.
        let iban = BankAccount::from_iban("GB29 NWBK 6016 1331 9268 19").unwrap();
        let domestic = BankAccount::new("60-16-13".parse().unwrap(), "31926819".parse().unwrap());
        assert!(iban.is_same_as(&domestic));
        assert_eq!(iban.iban(), Some("GB29NWBK60161331926819"));
        assert_eq!(domestic.domestic(), "60161331926819");
        assert!(BankAccount::parse("60-16-13 31926819").unwrap().is_same_as(&domestic));
        assert_eq!(format!("{iban:?}"), "BankAccount(..6819)");
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in ["", "601613 3192681", "60-16-13-31926819-0", "31926819"] {
            assert_eq!(BankAccount::parse(bad), Err(AccountError::Shape), "{bad:?}");
        }
        let country = AccountError::Country { country: "NL".to_owned() };
        assert_eq!(BankAccount::from_iban("NL91ABNA0417164300"), Err(country));
        for bad in ["", "GB", "GB30NWBK60161331926819", "gb29nwbk60161331926819", "GB29NWBK6016133192681é"] {
            assert_eq!(BankAccount::from_iban(bad), Err(AccountError::Iban), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in ".{0,40}") {
            let _ = BankAccount::parse(&text).is_ok();
        }
    }
}
