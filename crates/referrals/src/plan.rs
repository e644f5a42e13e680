//! What is owed beyond a plan: activity under a block with a plan is covered by its fixed sum, until it leaves the plan; then a
//! part of each price is owed. It is worked out when a cut is sealed, from all activity of the year that is sealed by then, so
//! that neither the order of lines nor their batches make a difference, and posted as the change since the last time.

use journal::Position;
use minicbor::{Decode, Encode};
use money::{NetPence, Pence, TotalPence};
use nhs::{FinancialYear, OdsCode};
use reference::{ContractId, Cut, ExpenditureClass};
use std::collections::BTreeMap;

/// Whose plan of which year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct PlanKey {
    /// The commissioner.
    #[n(0)]
    pub payer: OdsCode,
    /// The body that is paid.
    #[n(1)]
    pub payee: OdsCode,
    /// Whose income it is, as seen from this system.
    #[n(2)]
    pub class: ExpenditureClass,
    /// The financial year of the care.
    #[n(3)]
    pub year: FinancialYear,
}

/// Works out what is owed beyond a plan when a cut is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PostMargin {
    /// Whose plan.
    #[n(0)]
    pub plan: PlanKey,
    /// The cut that is sealed next.
    #[n(1)]
    pub cut: Cut,
}

/// What is owed beyond a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct MarginPosted {
    /// The contract whose plan it is.
    #[n(0)]
    pub contract: ContractId,
    /// The year's plan.
    #[n(1)]
    pub planned: Pence,
    /// The year's activity in cuts sealed so far, this one included.
    #[n(2)]
    pub activity: Pence,
    /// What is owed beyond the fixed sum for that.
    #[n(3)]
    pub margin: Pence,
    /// What was owed beyond it before.
    #[n(4)]
    pub before: Pence,
}

impl MarginPosted {
    /// What is posted: the change.
    #[must_use]
    pub const fn change(&self) -> NetPence {
        self.margin.net(self.before)
    }
}

/// Where a plan stands.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PlanPosition {
    /// Accepted activity by cut; none for what was taken off cuts that were sealed.
    pub(crate) activity: BTreeMap<Option<Cut>, TotalPence>,
    /// What is owed beyond the fixed sum, as posted last.
    pub margin: Pence,
    /// The record that posted it.
    pub posted: Option<Position>,
}

impl PlanPosition {
    /// The activity of the cuts that `counts` says yes to, and what was taken off sealed ones.
    pub(crate) fn activity(&self, counts: impl Fn(Cut) -> bool) -> TotalPence {
        let counted = self.activity.iter().filter(|(cut, _)| cut.is_none_or(&counts));
        counted.fold(TotalPence::default(), |sum, (_, amount)| sum.plus_total(*amount))
    }

    /// All accepted activity.
    #[must_use]
    pub fn all(&self) -> TotalPence {
        self.activity(|_| true)
    }
}
