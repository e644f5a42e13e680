//! Totals for reports, with small numbers kept back.

use crate::{CareCategory, PotKind, State};
use money::TotalPence;
use nhs::OdsCode;
use std::collections::BTreeMap;

/// Counts below this are not published: with few people in a cell, a neighbour can tell who they are (NHS practice,
/// unverified; the house of whoever publishes may ask for more).
pub const SMALL_NUMBER_MIN: u32 = 5;

/// The funded plans of one payer, category and kind of pot.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Plans.
    pub plans_count: u32,
    /// Budgets of the year.
    pub budget: TotalPence,
    /// Booked and not delivered.
    pub booked: TotalPence,
    /// Delivered, or evidenced by holders.
    pub spent: TotalPence,
    /// Paid to holders.
    pub paid: TotalPence,
    /// Recognised by periods of care.
    pub recognised: TotalPence,
    /// Paid to holders and neither turned into care nor given back.
    pub paid_ahead: TotalPence,
    /// Held for instalments to come.
    pub held: TotalPence,
    /// Returned unasked by holders.
    pub returned: TotalPence,
    /// Asked back of what was spent or recognised.
    pub reclaimed_spent: TotalPence,
}

impl Cell {
    /// Whether the cell has so few plans that it is not published.
    #[must_use]
    pub const fn is_small(&self) -> bool {
        self.plans_count > 0 && self.plans_count < SMALL_NUMBER_MIN
    }
}

/// Totals of funded plans by payer, category and kind of pot. Cells without plans are absent.
#[must_use]
pub fn totals(state: &State) -> BTreeMap<(OdsCode, CareCategory, PotKind), Cell> {
    let mut cells: BTreeMap<_, Cell> = BTreeMap::new();
    for (_, plan) in state.plans().filter(|(_, plan)| plan.state.is_funded()) {
        for (kind, pot) in &plan.pots {
            let cell = cells.entry((plan.ccg, plan.category, *kind)).or_default();
            cell.plans_count = cell.plans_count.saturating_add(1);
            cell.budget = cell.budget.plus(pot.terms.budget());
            cell.booked = cell.booked.plus(pot.booked);
            cell.spent = cell.spent.plus(pot.spent);
            cell.paid = cell.paid.plus(pot.paid);
            cell.recognised = cell.recognised.plus(pot.recognised);
            cell.paid_ahead = cell.paid_ahead.plus(pot.paid_ahead());
            cell.held = cell.held.plus(pot.held);
            cell.returned = cell.returned.plus(pot.returned);
            cell.reclaimed_spent = cell.reclaimed_spent.plus(pot.reclaimed_spent);
        }
    }
    cells
}
