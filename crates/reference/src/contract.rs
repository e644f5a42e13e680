//! Contracts: who buys what from whom, and how it is paid.

use crate::{ContractId, Pricing, Validity};
use journal::Day;
use minicbor::{Decode, Encode};
use money::{Pence, Rounding};
use nhs::{OdsCode, TreatmentFunction};

/// All of something, or those named.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Scope<T> {
    /// All of them.
    #[n(0)]
    All,
    /// These only, in ascending order, each once.
    #[n(1)]
    These(#[n(0)] Vec<T>),
}

impl<T: Ord> Scope<T> {
    /// Those named, in the one order that a row holds them in.
    #[must_use]
    pub fn these<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items: Vec<T> = items.into_iter().collect();
        items.sort();
        items.dedup();
        Self::These(items)
    }

    /// Whether `item` is among them.
    pub fn includes(&self, item: &T) -> bool {
        match self {
            Self::All => true,
            Self::These(items) => items.binary_search(item).is_ok(),
        }
    }

    /// Whether something is in both.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::These(items), scope) | (scope, Self::These(items)) => {
                items.iter().any(|item| scope.includes(item))
            }
            (Self::All, Self::All) => true,
        }
    }

    /// Whether those named ascend, each once, and there are some.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        match self {
            Self::All => true,
            Self::These(items) => !items.is_empty() && items.is_sorted_by(|a, b| a < b),
        }
    }
}

/// How activity under a contract becomes money.
///
/// Source: NHS Standard Contract 2017/19, SC36 (payment terms; NHS practice, unverified, hence configurable per contract).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Mechanism {
    /// Each accepted line is owed.
    #[n(1)]
    CostPerCase,
    /// A twelfth of the annual value is paid each month and trued up against activity.
    #[n(2)]
    OnAccount {
        /// The expected annual contract value.
        #[n(0)]
        annual_value: Pence,
        /// The day of the month on which the instalment is due, 1 to 28.
        #[n(1)]
        day_of_month: u8,
    },
    /// A twelfth of the annual value is paid each month whatever the activity.
    #[n(3)]
    Block {
        /// The annual value.
        #[n(0)]
        annual_value: Pence,
        /// The day of the month on which the instalment is due, 1 to 28.
        #[n(1)]
        day_of_month: u8,
    },
    /// Each accepted line is owed, as non-contract activity under another commissioner's terms.
    #[n(4)]
    NonContract,
}

impl Mechanism {
    /// Whether each accepted line adds to what is owed (and a referral places a hold).
    #[must_use]
    pub const fn pays_by_line(&self) -> bool {
        match self {
            Self::CostPerCase | Self::NonContract => true,
            Self::OnAccount { .. } | Self::Block { .. } => false,
        }
    }

    /// The annual value and the day of the month of its instalments, where it is paid so.
    #[must_use]
    pub const fn instalments(&self) -> Option<(Pence, u8)> {
        match self {
            Self::CostPerCase | Self::NonContract => None,
            Self::OnAccount { annual_value, day_of_month } | Self::Block { annual_value, day_of_month } => {
                Some((*annual_value, *day_of_month))
            }
        }
    }

    /// The word in files and on screens.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::CostPerCase => "cost-per-case",
            Self::OnAccount { .. } => "on-account",
            Self::Block { .. } => "block",
            Self::NonContract => "non-contract",
        }
    }
}

/// A contract, or one commissioner's part of it: an on-account or block contract has exactly one payer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Contract {
    /// Its name.
    #[n(0)]
    pub id: ContractId,
    /// The commissioners that it binds; all of them where it is open to any.
    #[n(1)]
    pub payers: Scope<OdsCode>,
    /// The provider organisation (the payee, not a site).
    #[n(2)]
    pub provider: OdsCode,
    /// The treatment functions that it covers.
    #[n(3)]
    pub functions: Scope<TreatmentFunction>,
    /// The dates of care that it covers.
    #[n(4)]
    pub validity: Validity,
    /// How activity becomes money.
    #[n(5)]
    pub mechanism: Mechanism,
    /// How a price is rounded, once, at line level.
    #[n(6)]
    pub rounding: Rounding,
    /// A claimed price further from ours than this is challenged on the difference.
    #[n(7)]
    pub price_tolerance: Pence,
    /// From this date of care a first attendance referred by a general practitioner needs a UBRN; never where none.
    #[n(8)]
    pub ubrn_required_from: Option<Day>,
    /// Where the terms come from; illustrative ones say so.
    #[n(9)]
    pub source: String,
    /// What it says of prices beside the national lists.
    #[n(10)]
    pub pricing: Option<Pricing>,
}

/// Which contract, if any, a payer's activity with a provider falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContractMatch<'a> {
    /// The payer's own.
    Own(&'a Contract),
    /// Another commissioner's only: non-contract activity, paid line by line under those terms.
    ///
    /// Source: NHS Data Dictionary, Non-Contract Activity (v3).
    AnyOther(&'a Contract),
    /// Nobody's: the provider may not be paid.
    None,
}

impl<'a> ContractMatch<'a> {
    /// The contract whose terms govern.
    #[must_use]
    pub const fn contract(self) -> Option<&'a Contract> {
        match self {
            Self::Own(contract) | Self::AnyOther(contract) => Some(contract),
            Self::None => None,
        }
    }

    /// How the payer's activity becomes money: another commissioner's instalments are not ours.
    #[must_use]
    pub const fn mechanism(self) -> Option<&'a Mechanism> {
        match self {
            Self::Own(contract) => Some(&contract.mechanism),
            Self::AnyOther(_) => Some(&Mechanism::NonContract),
            Self::None => None,
        }
    }
}
