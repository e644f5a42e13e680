//! What every kind of row has: a key, a span of days, texts, and a place in the state.

use crate::{PriceBook, State};
use journal::Day;
use nhs::{FinancialYear, OdsCode, Period, PostcodeDistrict, PracticeCode};
use reference::{
    BankDetails, Contract, ContractId, Deadlines, District, MarketForces, Organisation, PaymentChannel,
    Practice, PriceKind, Site, System, Validity,
};
use std::collections::BTreeMap;

/// A row that the registry keeps by a key: registering the key again replaces the row.
pub(crate) trait Table: Sized + Clone + PartialEq {
    /// What it is kept by.
    type Key: Ord;

    /// Its key.
    fn key(&self) -> Self::Key;
    /// The days on which it holds, where it has any.
    fn validity(&self) -> Option<Validity>;
    /// Its name or title, where it has one.
    fn name(&self) -> Option<&str>;
    /// Where it comes from, where that is kept.
    fn source(&self) -> Option<&str>;
    /// The rows in force.
    fn held(state: &State) -> &BTreeMap<Self::Key, Self>;
    /// The rows in force, to change.
    fn held_mut(state: &mut State) -> &mut BTreeMap<Self::Key, Self>;
}

/// How many of `rows` are new or differ from what is in force.
pub(crate) fn changed<R: Table>(state: &State, rows: &[R]) -> u32 {
    let held = R::held(state);
    let count = rows.iter().filter(|row| held.get(&row.key()) != Some(row)).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Puts `rows` in force.
pub(crate) fn put<R: Table>(state: &mut State, rows: &[R]) {
    R::held_mut(state).extend(rows.iter().map(|row| (row.key(), row.clone())));
}

macro_rules! table {
    ($row:ty, $field:ident, $key:ty = |$it:ident| $key_of:expr, $validity:expr, $name:expr, $source:expr) => {
        impl Table for $row {
            type Key = $key;

            fn key(&self) -> $key {
                let $it = self;
                $key_of
            }

            fn validity(&self) -> Option<Validity> {
                let $it = self;
                let _ = $it;
                $validity
            }

            fn name(&self) -> Option<&str> {
                let $it = self;
                let _ = $it;
                $name
            }

            fn source(&self) -> Option<&str> {
                let $it = self;
                let _ = $it;
                $source
            }

            fn held(state: &State) -> &BTreeMap<$key, Self> {
                &state.$field
            }

            fn held_mut(state: &mut State) -> &mut BTreeMap<$key, Self> {
                &mut state.$field
            }
        }
    };
}

table!(Organisation, organisations, OdsCode = |r| r.ods, Some(r.open), Some(&r.name), Some(&r.source));
table!(
    Practice,
    practices,
    (PracticeCode, Day) = |r| (r.practice, r.validity.from),
    Some(r.validity),
    None,
    Some(&r.source)
);
table!(
    MarketForces,
    market_forces,
    (OdsCode, Option<OdsCode>, Day) = |r| (r.provider, r.site, r.validity.from),
    Some(r.validity),
    None,
    Some(&r.source)
);
table!(System, systems, String = |r| r.name.clone(), None, Some(&r.title), None);
table!(
    Site,
    sites,
    (OdsCode, Day) = |r| (r.site, r.validity.from),
    Some(r.validity),
    Some(&r.name),
    Some(&r.source)
);
table!(
    District,
    districts,
    (PostcodeDistrict, Day) = |r| (r.district, r.validity.from),
    Some(r.validity),
    None,
    Some(&r.source)
);
table!(
    Contract,
    contracts,
    (ContractId, Day) = |r| (r.id, r.validity.from),
    Some(r.validity),
    None,
    Some(&r.source)
);
table!(PriceBook, price_books, (FinancialYear, PriceKind) = |r| (r.financial_year, r.kind), None, None, None);
table!(Deadlines, deadlines, Period = |r| r.period, None, None, Some(&r.source));
table!(
    PaymentChannel,
    channels,
    (OdsCode, Day) = |r| (r.payer, r.validity.from),
    Some(r.validity),
    None,
    None
);
table!(
    BankDetails,
    bank_details,
    (OdsCode, Day) = |r| (r.organisation, r.validity.from),
    Some(r.validity),
    Some(&r.account_name),
    None
);
