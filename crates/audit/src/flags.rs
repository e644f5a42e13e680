//! What an auditor looks at first in a listing of journal entries.
//!
//! The characteristics are those of ISA (UK) 240, *The Auditor's Responsibilities Relating to Fraud in an Audit of Financial
//! Statements*, application material on testing journal entries: entries made by people outside the usual process, after the
//! end of a period, back-dated, or of round amounts. Days and amounts are the auditor's to choose; the defaults are NHS practice,
//! unverified.

use core::fmt;
use journal::Day;
use money::Pence;

/// What is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// A person made it, not a service following its journal.
    Manual,
    /// It is accounted for on a day before the one on which it was recorded.
    BackDated,
    /// It happened in a month before the one in which it is accounted for, by more days than are usual.
    Late,
    /// It says that it happened after the day on which it was recorded.
    PostDated,
    /// Its amount is a multiple of a round sum.
    Round,
    /// It was recorded on a Saturday or Sunday.
    Weekend,
    /// It reverses or corrects another entry.
    Corrects,
    /// It was reversed.
    Reversed,
    /// It passed a limit.
    Breach,
    /// The same person prepared and approved it.
    OnePerson,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 10] = [
        Self::Manual,
        Self::BackDated,
        Self::Late,
        Self::PostDated,
        Self::Round,
        Self::Weekend,
        Self::Corrects,
        Self::Reversed,
        Self::Breach,
        Self::OnePerson,
    ];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::BackDated => "back-dated",
            Self::Late => "late",
            Self::PostDated => "post-dated",
            Self::Round => "round",
            Self::Weekend => "weekend",
            Self::Corrects => "corrects",
            Self::Reversed => "reversed",
            Self::Breach => "breach",
            Self::OnePerson => "one-person",
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::str::FromStr for Flag {
    type Err = UnknownFlag;

    fn from_str(text: &str) -> Result<Self, UnknownFlag> {
        Self::ALL.into_iter().find(|flag| flag.as_str() == text).ok_or(UnknownFlag)
    }
}

/// A text names no flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a flag is one of manual, back-dated, late, post-dated, round, weekend, corrects, reversed, breach, one-person"
)]
pub struct UnknownFlag;

/// From where on something is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Multiples of this are round sums; zero switches that off.
    pub round: Pence,
    /// How many days after it happened an entry is late, when its month is another. Activity is submitted within a month of
    /// its own, so that 62 passes over what is on time.
    pub late_days: u16,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { round: Pence::from_u32(100_000), late_days: 62 }
    }
}

/// What is known of an entry.
#[derive(Debug, Clone, Copy)]
pub struct EntryFacts<'a> {
    /// URN of who prepared it.
    pub preparer: &'a str,
    /// URN of who approved it, where somebody had to.
    pub approver: Option<&'a str>,
    /// When it happened.
    pub effective_date: Day,
    /// The day in whose month it is accounted for.
    pub accounting_date: Day,
    /// The business date on which it was recorded.
    pub business_date: Day,
    /// The sum of its debits; of an entry that only moves holds, what it held.
    pub amount: Pence,
    /// Whether it says that it corrects another.
    pub corrects: bool,
    /// Whether it was reversed.
    pub reversed: bool,
    /// Whether it passed a limit.
    pub breach: bool,
}

impl EntryFacts<'_> {
    /// What is worth a look, in the order of [`Flag::ALL`].
    #[must_use]
    pub fn flags(&self, thresholds: &Thresholds) -> Vec<Flag> {
        Flag::ALL.into_iter().filter(|flag| self.has(*flag, thresholds)).collect()
    }

    fn has(&self, flag: Flag, thresholds: &Thresholds) -> bool {
        let months = |day: Day| (day.date().year(), day.date().month());
        match flag {
            Flag::Manual => !self.preparer.starts_with("urn:almoner:service:"),
            Flag::BackDated => self.accounting_date < self.business_date,
            Flag::Late => {
                let days = self.accounting_date.get().saturating_sub(self.effective_date.get());
                months(self.effective_date) < months(self.accounting_date)
                    && days > i32::from(thresholds.late_days)
            }
            Flag::PostDated => self.effective_date > self.business_date,
            Flag::Round => {
                let (amount, round) = (self.amount.get(), thresholds.round.get());
                amount > 0 && amount.checked_rem(round) == Some(0)
            }
            Flag::Weekend => {
                use jiff::civil::Weekday;
                matches!(self.business_date.date().weekday(), Weekday::Saturday | Weekday::Sunday)
            }
            Flag::Corrects => self.corrects,
            Flag::Reversed => self.reversed,
            Flag::Breach => self.breach,
            Flag::OnePerson => self.approver == Some(self.preparer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{Date, date};

    /// A Tuesday's entry of a service, of no round sum, accounted for when it was recorded: nothing to look at.
    fn usual() -> EntryFacts<'static> {
        EntryFacts {
            preparer: "urn:almoner:service:referrals",
            approver: None,
            effective_date: Day::from(date(2017, 6, 1)),
            accounting_date: Day::from(date(2017, 6, 20)),
            business_date: Day::from(date(2017, 6, 20)),
            amount: Pence::new(12_345).unwrap(),
            corrects: false,
            reversed: false,
            breach: false,
        }
    }

    fn dated(effective: Date, accounting: Date, business: Date) -> EntryFacts<'static> {
        EntryFacts {
            effective_date: Day::from(effective),
            accounting_date: Day::from(accounting),
            business_date: Day::from(business),
            ..usual()
        }
    }

    fn of(pence: i64) -> EntryFacts<'static> {
        EntryFacts { amount: Pence::new(pence).unwrap(), ..usual() }
    }

    #[test]
    fn each_flag_has_its_rule() {
        let person = "urn:almoner:person:finance-1";
        let (june, july) = (date(2017, 6, 20), date(2017, 7, 3));
        let table: [(&str, EntryFacts<'_>, &[Flag]); 16] = [
            ("nothing", usual(), &[]),
            ("a person", EntryFacts { preparer: person, ..usual() }, &[Flag::Manual]),
            (
                "a provider's system",
                EntryFacts { preparer: "urn:almoner:org:NT3", ..usual() },
                &[Flag::Manual],
            ),
            ("back into the month before", dated(june, date(2017, 6, 30), july), &[Flag::BackDated]),
            ("62 days after", dated(date(2017, 5, 2), july, july), &[]),
            ("63 days after", dated(date(2017, 5, 1), july, july), &[Flag::Late]),
            ("long after, but its month", dated(july, july, july), &[]),
            ("ahead", dated(date(2017, 7, 1), june, june), &[Flag::PostDated]),
            ("£1,000", of(100_000), &[Flag::Round]),
            ("£999.99", of(99_999), &[]),
            ("£250,000", of(25_000_000), &[Flag::Round]),
            ("nothing moved", of(0), &[]),
            ("Saturday", dated(june, date(2017, 6, 24), date(2017, 6, 24)), &[Flag::Weekend]),
            ("Monday", dated(june, date(2017, 6, 26), date(2017, 6, 26)), &[]),
            (
                "corrected and reversed past a limit",
                EntryFacts { corrects: true, reversed: true, breach: true, ..usual() },
                &[Flag::Corrects, Flag::Reversed, Flag::Breach],
            ),
            (
                "one person twice",
                EntryFacts { preparer: person, approver: Some(person), ..usual() },
                &[Flag::Manual, Flag::OnePerson],
            ),
        ];
        for (name, facts, expected) in table {
            assert_eq!(facts.flags(&Thresholds::default()), expected, "{name}");
        }
    }

    #[test]
    fn thresholds_are_the_auditors() {
        let none = Thresholds { round: Pence::ZERO, late_days: 0 };
        assert_eq!(of(100_000).flags(&none), []);
        let facts = dated(date(2017, 5, 31), date(2017, 6, 1), date(2017, 6, 1));
        assert_eq!(facts.flags(&none), [Flag::Late], "a day, into another month");
    }

    #[test]
    fn words_go_there_and_back() {
        for flag in Flag::ALL {
            assert_eq!(flag.to_string().parse(), Ok(flag));
        }
        assert_eq!("odd".parse::<Flag>(), Err(UnknownFlag));
    }
}
