//! Months: open, soft-closed, closed.
//!
//! ```text
//! open ──soft-close──▶ soft-closed ──close──▶ closed
//!   └─────────────────close───────────────────▶ │
//!   ◀──────────reopen, by two people────────────┘ (of either)
//! ```
//! A month that nobody marked is open. What is accounted for in a soft-closed month takes two people
//! ([`crate::Act::Post`]); whatever else belongs there lands in the next open month and says so ([`crate::Posted::late_from`]).

use crate::State;
use journal::{Day, Position};
use nhs::Period;

/// Where a month stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PeriodStanding {
    /// Entries are accounted for in it.
    Open,
    /// Only what two people post is.
    SoftClosed,
    /// Nothing is.
    Closed,
}

/// A month as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodView {
    /// The month.
    pub period: Period,
    /// Where it stands.
    pub standing: PeriodStanding,
    /// The record that marked it so, with the position that names its caller. `None` of one that nobody marked.
    pub marked: Option<Marked>,
}

/// Who marked a month, and where that is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marked {
    /// The record.
    pub position: Position,
    /// The position that names its caller.
    pub caller: Position,
}

/// A month that is not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shut {
    pub(crate) soft: bool,
    pub(crate) marked: Marked,
}

impl State {
    /// Where a month stands.
    #[must_use]
    pub fn period(&self, period: Period) -> PeriodView {
        let shut = self.periods.get(&period);
        let standing = match shut {
            None => PeriodStanding::Open,
            Some(shut) if shut.soft => PeriodStanding::SoftClosed,
            Some(_) => PeriodStanding::Closed,
        };
        PeriodView { period, standing, marked: shut.map(|shut| shut.marked) }
    }

    /// The months that are closed, in order; soft-closed ones are not among them.
    pub fn closed_periods(&self) -> impl Iterator<Item = Period> {
        self.periods.iter().filter(|(_, shut)| !shut.soft).map(|(period, _)| *period)
    }

    /// The months that are not open, in order.
    pub fn shut_periods(&self) -> impl Iterator<Item = PeriodView> {
        self.periods.keys().map(|period| self.period(*period))
    }

    /// The month of `day`, when nothing may be accounted for in it: by `two_people`, or by one.
    fn shut_month(&self, day: Day, two_people: bool) -> Option<Period> {
        let period = Period::of(day.date()).ok()?;
        self.periods.get(&period).is_some_and(|shut| !(two_people && shut.soft)).then_some(period)
    }

    /// The date in whose month an entry is accounted for, and the month where it belongs when that takes no more.
    ///
    /// The date is the one that the writer proposes, when its month is open and it is not ahead; else the business date, or
    /// the first day of the next open month. An entry belongs where its writer proposes, or else where it happened.
    pub(crate) fn accounting(
        &self,
        today: Day,
        effective: Day,
        proposed: Option<Day>,
        two_people: bool,
    ) -> (Day, Option<Period>) {
        let proposed = proposed.filter(|day| *day <= today);
        if self.periods.is_empty() {
            return (proposed.unwrap_or(today), None);
        }
        let shut = |day| self.shut_month(day, two_people);
        let origin = proposed.and_then(shut).or_else(|| shut(effective));
        let wanted = proposed.filter(|day| shut(*day).is_none()).unwrap_or(today);
        let mut month = shut(wanted);
        if month.is_none() {
            return (wanted, origin);
        }
        while let Some(period) = month {
            let first = Day::from(period.first_day());
            if shut(first).is_none() {
                return (first, origin);
            }
            month = period.next();
        }
        (wanted, origin)
    }
}
