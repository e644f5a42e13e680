//! What decisions need.

use crate::{Ask, Plan, PlanNumber, PotKind, Reclaim, Spend};
use journal::{Day, Position};
use std::collections::BTreeMap;

/// The working state: plans (about 500 bytes with two pots), spends (about 80) and reclaims (about 120) of the systems'
/// budgets; what the ledger has not answered yet, and where it answered the rest (16 bytes each).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct State {
    pub(crate) plans: BTreeMap<PlanNumber, Plan>,
    pub(crate) spends: BTreeMap<Position, Spend>,
    pub(crate) reclaims: BTreeMap<Position, Reclaim>,
    pub(crate) asks: BTreeMap<Position, Ask>,
    pub(crate) answers: BTreeMap<Position, Position>,
}

impl State {
    /// A plan.
    #[must_use]
    pub fn plan(&self, number: PlanNumber) -> Option<&Plan> {
        self.plans.get(&number)
    }

    /// Every plan, by number.
    pub fn plans(&self) -> impl Iterator<Item = (PlanNumber, &Plan)> {
        self.plans.iter().map(|(number, plan)| (*number, plan))
    }

    /// Plans from `from` on, by number.
    pub fn plans_from(&self, from: PlanNumber) -> impl Iterator<Item = (PlanNumber, &Plan)> {
        self.plans.range(from..).map(|(number, plan)| (*number, plan))
    }

    /// A spend or booking, by its record.
    #[must_use]
    pub fn spend(&self, record: Position) -> Option<&Spend> {
        self.spends.get(&record)
    }

    /// Every spend and booking, by its record.
    pub fn spends(&self) -> impl Iterator<Item = (Position, &Spend)> {
        self.spends.iter().map(|(record, spend)| (*record, spend))
    }

    /// Spends and bookings recorded from `from` on.
    pub fn spends_from(&self, from: Position) -> impl Iterator<Item = (Position, &Spend)> {
        self.spends.range(from..).map(|(record, spend)| (*record, spend))
    }

    /// A reclaim, by its record.
    #[must_use]
    pub fn reclaim(&self, record: Position) -> Option<&Reclaim> {
        self.reclaims.get(&record)
    }

    /// Every reclaim, by its record.
    pub fn reclaims(&self) -> impl Iterator<Item = (Position, &Reclaim)> {
        self.reclaims.iter().map(|(record, reclaim)| (*record, reclaim))
    }

    /// Reclaims recorded from `from` on.
    pub fn reclaims_from(&self, from: Position) -> impl Iterator<Item = (Position, &Reclaim)> {
        self.reclaims.range(from..).map(|(record, reclaim)| (*record, reclaim))
    }

    /// What the ledger has not answered yet, in the order asked. Whoever drives this domain carries each to the ledger, after
    /// a restart too.
    pub fn asks(&self) -> impl Iterator<Item = (Position, &Ask)> {
        self.asks.iter().map(|(record, ask)| (*record, ask))
    }

    /// An open ask, by its record.
    #[must_use]
    pub fn ask(&self, record: Position) -> Option<&Ask> {
        self.asks.get(&record)
    }

    /// The record that holds the ledger's answer to the ask of `record`; `None` while it is open, or when nothing was asked.
    #[must_use]
    pub fn answer(&self, record: Position) -> Option<Position> {
        self.answers.get(&record).copied()
    }

    /// Plans whose review is due by `day`, longest overdue first.
    #[must_use]
    pub fn reviews_due(&self, day: Day) -> Vec<(PlanNumber, Day)> {
        let mut due: Vec<_> = self
            .plans()
            .filter(|(_, plan)| plan.review_overdue(day.plus(1)))
            .map(|(number, plan)| (number, plan.next_review))
            .collect();
        due.sort_by_key(|(number, day)| (*day, *number));
        due
    }

    /// The instalments due by `day`: plan, pot and due date.
    #[must_use]
    pub fn instalments_due(&self, day: Day) -> Vec<(PlanNumber, PotKind, Day)> {
        let mut due = Vec::new();
        for (number, plan) in self.plans() {
            let last = plan.year_over().plus(-1).min(day);
            for (kind, pot) in &plan.pots {
                let (Some(mut next), Some(schedule)) = (pot.next_due, pot.terms.schedule()) else { continue };
                while next <= last {
                    due.push((number, *kind, next));
                    next = next.plus(schedule.frequency.days());
                }
            }
        }
        due
    }
}
