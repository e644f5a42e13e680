//! The pots of a plan: one of each way to hold a budget, at most.

use journal::{Day, RequestId};
use minicbor::{Decode, Encode};
use money::Pence;
use nhs::OdsCode;

/// A way to hold a budget. A person may mix them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum PotKind {
    /// The commissioner holds the money and pays suppliers.
    #[n(1)]
    Notional,
    /// An independent organisation holds the money and buys.
    #[n(2)]
    ThirdParty,
    /// The money is paid to the person, their representative or nominee.
    #[n(3)]
    DirectPayment,
}

impl PotKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Notional, Self::ThirdParty, Self::DirectPayment];

    /// Whether money leaves before the care: then its budget is a hard limit.
    #[must_use]
    pub const fn is_cash(self) -> bool {
        match self {
            Self::Notional => false,
            Self::ThirdParty | Self::DirectPayment => true,
        }
    }

    /// The plan's expenditure account, as the chart of accounts spells it.
    #[must_use]
    pub const fn expenditure(self) -> &'static str {
        match self {
            Self::Notional => "expenditure/phb-notional",
            Self::ThirdParty => "expenditure/phb-third-party",
            Self::DirectPayment => "expenditure/phb-direct",
        }
    }

    /// The plan's account of money paid ahead of care; `None` for a notional budget, which pays for nothing ahead.
    #[must_use]
    pub const fn paid_ahead(self) -> Option<&'static str> {
        match self {
            Self::Notional => None,
            Self::ThirdParty => Some("advance"),
            Self::DirectPayment => Some("prepayment"),
        }
    }
}

/// How often an instalment falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Frequency {
    /// Every week.
    #[n(1)]
    Weekly,
    /// Every four weeks.
    #[n(2)]
    FourWeekly,
}

impl Frequency {
    /// Days from one instalment to the next.
    #[must_use]
    pub const fn days(self) -> i32 {
        match self {
            Self::Weekly => 7,
            Self::FourWeekly => 28,
        }
    }
}

/// Equal instalments from a first date until the financial year ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Schedule {
    /// How often.
    #[n(0)]
    pub frequency: Frequency,
    /// When the first falls due.
    #[n(1)]
    pub first_due: Day,
    /// How much each is.
    #[n(2)]
    pub instalment: Pence,
}

impl Schedule {
    /// How many instalments fall due up to and including `last`.
    #[must_use]
    pub fn count(&self, last: Day) -> u32 {
        let days = last.since(self.first_due);
        if days < 0 {
            return 0;
        }
        u32::try_from(days.div_euclid(self.frequency.days())).unwrap_or_default().saturating_add(1)
    }

    /// What the instalments up to and including `last` come to; at most the largest amount.
    #[must_use]
    pub fn total(&self, last: Day) -> Pence {
        self.instalment.checked_mul(self.count(last)).unwrap_or(Pence::MAX)
    }
}

/// What was agreed about a pot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum PotTerms {
    /// The commissioner holds the money.
    #[n(1)]
    Notional {
        /// The budget of the financial year.
        #[n(0)]
        budget: Pence,
    },
    /// An organisation holds the money.
    #[n(2)]
    ThirdParty {
        /// The budget of the financial year.
        #[n(0)]
        budget: Pence,
        /// When it is paid over.
        #[n(1)]
        schedule: Schedule,
        /// The organisation.
        #[n(2)]
        holder: OdsCode,
    },
    /// The person, representative or nominee holds the money.
    #[n(3)]
    DirectPayment {
        /// The budget of the financial year.
        #[n(0)]
        budget: Pence,
        /// When it is paid over.
        #[n(1)]
        schedule: Schedule,
    },
}

impl PotTerms {
    /// How it is held.
    #[must_use]
    pub const fn kind(&self) -> PotKind {
        match self {
            Self::Notional { .. } => PotKind::Notional,
            Self::ThirdParty { .. } => PotKind::ThirdParty,
            Self::DirectPayment { .. } => PotKind::DirectPayment,
        }
    }

    /// The budget of the financial year.
    #[must_use]
    pub const fn budget(&self) -> Pence {
        match self {
            Self::Notional { budget }
            | Self::ThirdParty { budget, .. }
            | Self::DirectPayment { budget, .. } => *budget,
        }
    }

    /// When money is paid over; never for a notional budget.
    #[must_use]
    pub const fn schedule(&self) -> Option<&Schedule> {
        match self {
            Self::Notional { .. } => None,
            Self::ThirdParty { schedule, .. } | Self::DirectPayment { schedule, .. } => Some(schedule),
        }
    }
}

/// A pot as decisions need it. What takes from room is counted when the ledger is asked (a denial gives it back), what
/// makes room only when the ledger has granted it: so no order of answers lets a pot give what it has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pot {
    /// What was agreed.
    pub terms: PotTerms,
    /// The name of the hold for its instalments.
    pub hold: Option<RequestId>,
    /// What remains of that hold.
    pub held: Pence,
    /// When the next instalment falls due.
    pub next_due: Option<Day>,
    /// Booked, or being spent, and not yet delivered (notional).
    pub booked: Pence,
    /// Delivered (notional), or evidenced by the holder (cash).
    pub spent: Pence,
    /// Paid over to the holder (cash).
    pub paid: Pence,
    /// Recognised as expenditure by periods of care (cash).
    pub recognised: Pence,
    /// Returned unasked by the holder (third party).
    pub returned: Pence,
    /// Reclaimed from what was paid ahead.
    pub reclaimed_ahead: Pence,
    /// Reclaimed from what was recognised or delivered.
    pub reclaimed_spent: Pence,
    /// The last day of care recognised.
    pub recognised_to: Option<Day>,
    /// Whether the ledger is being asked to recognise care.
    pub recognising: bool,
}

impl Pot {
    pub(crate) const fn new(terms: PotTerms) -> Self {
        Self {
            terms,
            hold: None,
            held: Pence::ZERO,
            next_due: None,
            booked: Pence::ZERO,
            spent: Pence::ZERO,
            paid: Pence::ZERO,
            recognised: Pence::ZERO,
            returned: Pence::ZERO,
            reclaimed_ahead: Pence::ZERO,
            reclaimed_spent: Pence::ZERO,
            recognised_to: None,
            recognising: false,
        }
    }

    /// What may still be booked or spent within the budget.
    #[must_use]
    pub fn room(&self) -> Pence {
        minus(self.terms.budget(), plus(self.booked, self.spent))
    }

    /// What the holder has been paid and neither given care for nor given back.
    #[must_use]
    pub fn paid_ahead(&self) -> Pence {
        let settled = plus(plus(self.recognised, self.returned), self.reclaimed_ahead);
        minus(self.paid, settled)
    }

    /// What may be asked back: what is paid ahead, then what was recognised or delivered.
    #[must_use]
    pub fn reclaimable(&self) -> Pence {
        let spent = if self.terms.kind().is_cash() { self.recognised } else { self.spent };
        plus(self.paid_ahead(), minus(spent, self.reclaimed_spent))
    }
}

/// The sum, at most the largest amount: decisions have checked it, and replay must be total.
pub(crate) fn plus(a: Pence, b: Pence) -> Pence {
    a.checked_add(b).unwrap_or(Pence::MAX)
}

/// The difference, or nothing when `b` is larger.
pub(crate) fn minus(a: Pence, b: Pence) -> Pence {
    a.checked_sub(b).unwrap_or(Pence::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instalments_are_counted_to_the_last_day() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        let table = [
            (Frequency::FourWeekly, "2017-06-01", "2018-03-31", 11),
            (Frequency::Weekly, "2017-06-01", "2017-06-07", 1),
            (Frequency::Weekly, "2017-06-01", "2017-06-08", 2),
            (Frequency::Weekly, "2017-06-02", "2017-06-01", 0),
        ];
        for (frequency, first, last, count) in table {
            let schedule = Schedule { frequency, first_due: day(first), instalment: Pence::from_u32(1) };
            assert_eq!(schedule.count(day(last)), count, "{frequency:?} {first} {last}");
        }
    }
}
