//! Bodies, where they treat, whom they serve, and how they are paid.

use crate::Validity;
use core::{fmt, str::FromStr};
use minicbor::{Decode, Encode};
use nhs::{AccountNumber, OdsCode, PostcodeDistrict, PracticeCode, SortCode};
use tariff::Mff;

/// What kind of body an organisation is, whatever system looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// A clinical commissioning group: a statutory payer.
    #[n(1)]
    Ccg,
    /// An NHS trust or foundation trust.
    #[n(2)]
    NhsTrust,
    /// A provider outside the NHS.
    #[n(3)]
    Independent,
    /// A general practice.
    #[n(4)]
    Practice,
}

impl Role {
    /// The word in files and on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ccg => "ccg",
            Self::NhsTrust => "nhs-trust",
            Self::Independent => "independent",
            Self::Practice => "practice",
        }
    }
}

/// A body that the Organisation Data Service names.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Organisation {
    /// Its code.
    #[n(0)]
    pub ods: OdsCode,
    /// Its name, for people.
    #[n(1)]
    pub name: String,
    /// Its kind.
    #[n(2)]
    pub role: Role,
    /// The days on which it is open: ODS open and close dates.
    #[n(3)]
    pub open: Validity,
    /// The body that took over from it, when it closed.
    #[n(4)]
    pub successor: Option<OdsCode>,
    /// Where the row comes from.
    #[n(5)]
    pub source: String,
}

/// A place of treatment and who is paid for it. The legal payee is not always the organisation in the site's code.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Site {
    /// The site's code.
    #[n(0)]
    pub site: OdsCode,
    /// The provider organisation that is paid.
    #[n(1)]
    pub payee: OdsCode,
    /// The site's name, for people.
    #[n(2)]
    pub name: String,
    /// The days on which it holds.
    #[n(3)]
    pub validity: Validity,
    /// Where the row comes from.
    #[n(4)]
    pub source: String,
}

/// A practice's membership of a commissioning group.
///
/// Source: a CCG is responsible for patients of its member practices (Who Pays? Determining responsibility for payments
/// to providers, NHS England, August 2013).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Practice {
    /// The practice's code.
    #[n(0)]
    pub practice: PracticeCode,
    /// The group it is a member of.
    #[n(1)]
    pub ccg: OdsCode,
    /// The days on which it is.
    #[n(2)]
    pub validity: Validity,
    /// Where the row comes from.
    #[n(3)]
    pub source: String,
}

/// The group responsible for people of a postcode district who are registered with no practice.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct District {
    /// The outward part of the postcode.
    #[n(0)]
    pub district: PostcodeDistrict,
    /// The responsible group.
    #[n(1)]
    pub ccg: OdsCode,
    /// The days on which it is.
    #[n(2)]
    pub validity: Validity,
    /// Where the row comes from.
    #[n(3)]
    pub source: String,
}

/// A market forces factor: the payment index that multiplies the tariff for a provider, or for one of its sites.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct MarketForces {
    /// The provider.
    #[n(0)]
    pub provider: OdsCode,
    /// The site, when the value is not the whole provider's (independent providers take the value of where they treat).
    #[n(1)]
    pub site: Option<OdsCode>,
    /// The factor, and whose it is.
    #[n(2)]
    pub mff: Mff,
    /// The days on which it holds.
    #[n(3)]
    pub validity: Validity,
    /// Where the value comes from, as shown with a price.
    #[n(4)]
    pub source: String,
}

/// How a payer's money leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Channel {
    /// By a payment file to its bank.
    #[n(1)]
    Bank,
    /// By the accounts-payable system of its ledger of record.
    #[n(2)]
    LedgerOfRecord,
}

impl Channel {
    /// The word in files and options.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::LedgerOfRecord => "ledger-of-record",
        }
    }
}

/// A payer body's payment channel: one at a time.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PaymentChannel {
    /// The payer.
    #[n(0)]
    pub payer: OdsCode,
    /// The channel.
    #[n(1)]
    pub channel: Channel,
    /// The days on which it is used.
    #[n(2)]
    pub validity: Validity,
}

/// An organisation's bank account, as payer or as payee. Never a person's: those are identity's.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct BankDetails {
    /// Whose account.
    #[n(0)]
    pub organisation: OdsCode,
    /// The account's name, as payment files carry it (at most 35 characters).
    #[n(1)]
    pub account_name: String,
    /// The sort code.
    #[n(2)]
    pub sort_code: SortCode,
    /// The account number.
    #[n(3)]
    pub account_number: AccountNumber,
    /// The days on which it is used.
    #[n(4)]
    pub validity: Validity,
}

/// Whose income an expenditure is, as seen from one system: the last word of an expenditure account's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum ExpenditureClass {
    /// A member of the system: nil effect on the system's total.
    #[n(1)]
    InSystem,
    /// An NHS body outside the system.
    #[n(2)]
    OtherNhs,
    /// A provider outside the NHS.
    #[n(3)]
    ThirdParty,
}

impl ExpenditureClass {
    /// Every class, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::InSystem, Self::OtherNhs, Self::ThirdParty];

    /// The word in account paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InSystem => "in-system",
            Self::OtherNhs => "other-nhs",
            Self::ThirdParty => "third-party",
        }
    }
}

/// A word is none of those that it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of: {0}")]
pub struct WordError(pub &'static str);

macro_rules! words {
    ($name:ident, $all:expr, $list:literal) => {
        impl FromStr for $name {
            type Err = WordError;

            fn from_str(text: &str) -> Result<Self, WordError> {
                $all.into_iter().find(|word| word.as_str() == text).ok_or(WordError($list))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words!(
    Role,
    [Self::Ccg, Self::NhsTrust, Self::Independent, Self::Practice],
    "ccg, nhs-trust, independent, practice"
);
words!(Channel, [Self::Bank, Self::LedgerOfRecord], "bank, ledger-of-record");
words!(ExpenditureClass, Self::ALL, "in-system, other-nhs, third-party");
