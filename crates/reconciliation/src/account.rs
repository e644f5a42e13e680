//! The ledger's accounts as reconciliation reads them: by their paths.

use core::fmt;
use money::TotalPence;
use nhs::{FinancialYear, OdsCode};

/// A budget line: `<ccg>/<programme>/<financial year>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Line {
    /// The commissioner that pays.
    pub payer: OdsCode,
    /// What for.
    pub programme: Programme,
    /// Whose year's money.
    pub year: FinancialYear,
}

impl Line {
    /// Reads a budget line's name; none when it is not one.
    #[must_use]
    pub fn read(name: &str) -> Option<Self> {
        let (line, _) = Account::read(&format!("{name}/out/bank"))?;
        (line.to_string() == name).then_some(line)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.payer, self.programme.as_str(), self.year)
    }
}

/// What a budget line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Programme {
    /// Elective care that the patient chose.
    Elective,
    /// Personal health budgets.
    Phb,
}

impl Programme {
    /// The word in paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Elective => "elective",
            Self::Phb => "phb",
        }
    }
}

/// Whose income an expenditure is, as seen from the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// A trust of the system: what one body spends another earns.
    InSystem,
    /// An NHS body of another system.
    OtherNhs,
    /// A provider outside the NHS.
    ThirdParty,
    /// Personal health budgets, however they are held.
    Phb,
    /// What was owed to us and given up.
    WrittenOff,
}

impl Class {
    /// The word on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InSystem => "in-system",
            Self::OtherNhs => "other-nhs",
            Self::ThirdParty => "third-party",
            Self::Phb => "phb",
            Self::WrittenOff => "written-off",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        match word {
            "in-system" => Some(Self::InSystem),
            "other-nhs" => Some(Self::OtherNhs),
            "third-party" => Some(Self::ThirdParty),
            "phb-notional" | "phb-third-party" | "phb-direct" => Some(Self::Phb),
            "written-off" => Some(Self::WrittenOff),
            _ => None,
        }
    }
}

/// What an account of a budget line holds. Plans' own accounts are read as what they are, without the plan: whose they
/// are is nobody's business here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Leaf {
    /// Budget that is not a plan's.
    Allocation,
    /// Budget of a personal health budget's plan.
    PlanAllocation,
    /// Expenditure.
    Expenditure(Class),
    /// Paid or due to an organisation before its care.
    Prepayment(String),
    /// Paid ahead to whoever holds a personal health budget.
    PaidAhead,
    /// Due back to us.
    Recoverable,
    /// Accepted and not yet instructed, by payee.
    Payable(String),
    /// In dispute, by payee.
    Contested(String),
    /// A month-end estimate, by payee.
    Estimate(String),
    /// Instructed, not confirmed.
    InTransit,
    /// Confirmed.
    Bank,
    /// Moved to other lines.
    Transferred,
}

impl Leaf {
    /// The payee that it speaks of.
    #[must_use]
    pub fn payee(&self) -> Option<&str> {
        match self {
            Self::Prepayment(payee)
            | Self::Payable(payee)
            | Self::Contested(payee)
            | Self::Estimate(payee) => Some(payee),
            Self::Allocation
            | Self::PlanAllocation
            | Self::Expenditure(_)
            | Self::PaidAhead
            | Self::Recoverable
            | Self::InTransit
            | Self::Bank
            | Self::Transferred => None,
        }
    }
}

/// An account of a budget line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its line.
    pub line: Line,
    /// What it holds.
    pub leaf: Leaf,
    /// Credits less debits.
    pub credit: TotalPence,
    /// Open holds.
    pub held: TotalPence,
}

impl Account {
    /// The line and leaf of an account's path; none for what stands outside the lines (resource limits, targets) and for
    /// paths that are none.
    #[must_use]
    pub fn read(path: &str) -> Option<(Line, Leaf)> {
        let mut parts = path.split('/');
        let payer = parts.next()?.parse().ok()?;
        let programme = match parts.next()? {
            "elective" => Programme::Elective,
            "phb" => Programme::Phb,
            _ => return None,
        };
        let year = parts.next()?.parse().ok()?;
        let rest: Vec<&str> = parts.collect();
        let leaf = match rest.as_slice() {
            ["fund", "allocation"] | ["fund", "unassigned", "allocation"] => Leaf::Allocation,
            ["fund", "plan", _, "allocation"] => Leaf::PlanAllocation,
            ["fund", "expenditure", class] | ["fund", "plan", _, "expenditure", class] => {
                Leaf::Expenditure(Class::of_word(class)?)
            }
            ["fund", "prepayment", payee] => Leaf::Prepayment((*payee).to_owned()),
            ["fund", "plan", _, "prepayment" | "advance"] | ["fund", "advance"] => Leaf::PaidAhead,
            ["fund", "recoverable", _] | ["fund", "plan", _, "recoverable"] => Leaf::Recoverable,
            ["owed", "payable", payee] => Leaf::Payable((*payee).to_owned()),
            ["owed", "contested", payee] => Leaf::Contested((*payee).to_owned()),
            ["owed", "estimate", payee] => Leaf::Estimate((*payee).to_owned()),
            ["out", "in-transit"] => Leaf::InTransit,
            ["out", "bank"] => Leaf::Bank,
            ["out", "transferred"] => Leaf::Transferred,
            _ => return None,
        };
        Some((Line { payer, programme, year }, leaf))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_what_they_hold() {
        let table = [
            ("10M/elective/2017-18/fund/allocation", Some(Leaf::Allocation)),
            ("10M/elective/2017-18/fund/expenditure/third-party", Some(Leaf::Expenditure(Class::ThirdParty))),
            ("10M/elective/2017-18/fund/prepayment/RHW", Some(Leaf::Prepayment("RHW".into()))),
            ("10M/elective/2017-18/owed/payable/NT3", Some(Leaf::Payable("NT3".into()))),
            ("10M/phb/2017-18/fund/unassigned/allocation", Some(Leaf::Allocation)),
            ("10M/phb/2017-18/fund/plan/phb-7/allocation", Some(Leaf::PlanAllocation)),
            ("10M/phb/2017-18/fund/plan/phb-7/expenditure/phb-direct", Some(Leaf::Expenditure(Class::Phb))),
            ("10M/phb/2017-18/fund/plan/phb-7/advance", Some(Leaf::PaidAhead)),
            ("10M/phb/2017-18/owed/payable/phb-7", Some(Leaf::Payable("phb-7".into()))),
            ("10M/phb/2017-18/out/bank", Some(Leaf::Bank)),
            ("resource-limit/10M/2017-18", None),
            ("target/10M", None),
            ("10M/elective/2017-18/fund/expenditure/other", None),
        ];
        for (path, expected) in table {
            let found = Account::read(path);
            assert_eq!(found.as_ref().map(|(_, leaf)| leaf), expected.as_ref(), "{path}");
            if let Some((line, _)) = found {
                assert!(path.starts_with(&line.to_string()), "{line}");
                assert_eq!(Line::read(&line.to_string()), Some(line));
            }
        }
    }
}
