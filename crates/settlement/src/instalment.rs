//! What falls due by the calendar: payments on account, block shares, block months earned.

use crate::{BudgetLine, FallDue, Payee, Programme, State};
use core::fmt;
use journal::Day;
use minicbor::{Decode, Encode};
use money::Pence;
use nhs::{FinancialYear, Period};
use reference::{Contract, ContractId, Mechanism, Reference, Scope};

/// What falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum DueKind {
    /// A payment on account.
    #[n(1)]
    OnAccount,
    /// A share of a block contract.
    #[n(2)]
    Block,
    /// A month of a block contract has passed: its share is expenditure. No money moves.
    #[n(3)]
    BlockEarned,
}

impl DueKind {
    /// The word on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnAccount => "on account",
            Self::Block => "block",
            Self::BlockEarned => "block earned",
        }
    }
}

/// What tells one due thing from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct InstalmentKey {
    /// The contract.
    #[n(0)]
    pub contract: ContractId,
    /// What falls due.
    #[n(1)]
    pub kind: DueKind,
    /// The due date; of a month earned, its last day.
    #[n(2)]
    pub day: Day,
}

impl fmt::Display for InstalmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.contract, self.kind.as_str(), self.day)
    }
}

/// Something that fell due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instalment {
    /// What it is.
    pub due: FallDue,
    /// Where it stands.
    pub state: InstalmentState,
}

/// Where an instalment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InstalmentState {
    /// The ledger has not answered.
    Asked,
    /// It is posted.
    Posted,
    /// The ledger refused it: a person must look.
    Refused,
}

/// The share of `annual` that falls to financial month `month` (1 for April to 12 for March).
///
/// Twelfths are rounded down on the running total, so that the twelve shares make the annual value to the penny.
/// Source: NHS Standard Contract 2017/19, SC36, twelfths of the Expected Annual Contract Value (NHS practice, unverified;
/// the value and the day stand in the contract).
#[must_use]
pub fn share(annual: Pence, month: i8) -> Pence {
    let through = |months: i64| i128::from(annual.get()).saturating_mul(i128::from(months)).div_euclid(12);
    let month = i64::from(month.clamp(1, 12));
    let pence = through(month).saturating_sub(through(month.saturating_sub(1)));
    i64::try_from(pence).ok().and_then(Pence::new).unwrap_or_default()
}

/// The budget line that something falls due on. `None` for a day beyond the calendar.
pub(crate) fn line(due: &FallDue) -> Option<BudgetLine> {
    let year = FinancialYear::of(due.key.day.date()).ok()?;
    Some(BudgetLine { payer: due.payer, programme: Programme::Elective, year })
}

/// What is due when `day` begins and not yet recorded, in order. Nothing from before the month in which the system first
/// had reference data: that was paid elsewhere.
pub(crate) fn due(state: &State, day: Day) -> Vec<FallDue> {
    let Some(adopted) = &state.adopted else { return Vec::new() };
    let reference = adopted.reference();
    let Some(first) = state.since.and_then(|since| Period::of(since.date()).ok()) else { return Vec::new() };
    let mut all: Vec<FallDue> = reference
        .rows()
        .contracts
        .iter()
        .flat_map(|contract| of_contract(reference, contract, first, day))
        .filter(|due| !state.instalments.contains_key(&due.key))
        .collect();
    all.sort_by_key(|due| (due.key.day, due.key.kind, due.key.contract));
    all
}

fn of_contract(reference: &Reference, contract: &Contract, first: Period, today: Day) -> Vec<FallDue> {
    let kind = match contract.mechanism {
        Mechanism::OnAccount { .. } => DueKind::OnAccount,
        Mechanism::Block { .. } => DueKind::Block,
        Mechanism::CostPerCase | Mechanism::NonContract => return Vec::new(),
    };
    let Some((annual, day_of_month)) = contract.mechanism.instalments() else { return Vec::new() };
    let Scope::These(payers) = &contract.payers else { return Vec::new() };
    let [payer] = payers.as_slice() else { return Vec::new() };
    let mut found = Vec::new();
    let mut month = Some(first);
    while let Some(period) = month.filter(|period| Day::from(period.first_day()) <= today) {
        let pence = share(annual, period.financial_month());
        let mut add = |kind, day: Day| {
            if contract.validity.covers(day) && !pence.is_zero() {
                found.push(FallDue {
                    key: InstalmentKey { contract: contract.id, kind, day },
                    payer: *payer,
                    payee: Payee::Organisation(contract.provider),
                    class: reference.expenditure_class(contract.provider),
                    pence,
                });
            }
        };
        let due = Day::from(period.first_day()).plus(i32::from(day_of_month).saturating_sub(1));
        if due <= today {
            add(kind, due);
        }
        let last = Day::from(period.last_day());
        if kind == DueKind::Block && last < today {
            add(DueKind::BlockEarned, last);
        }
        month = period.next();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn twelfths_make_the_year() {
        let annual = Pence::new(100_000_00 + 5).unwrap();
        let shares: Vec<i64> = (1..=12).map(|month| share(annual, month).get()).collect();
        assert_eq!(shares[..3], [833_333, 833_334, 833_334]);
        assert_eq!(shares.iter().sum::<i64>(), annual.get());
    }

    proptest! {
        #[test]
        fn no_penny_is_lost(annual in 0..=i64::MAX) {
            let annual = Pence::new(annual).unwrap();
            let sum = Pence::sum((1..=12).map(|month| share(annual, month)));
            prop_assert_eq!(sum, Ok(annual));
        }
    }
}
