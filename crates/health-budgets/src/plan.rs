//! A plan: whose it is, how it is held, and where it stands.

use crate::{Pot, PotKind, refusal::Decided};
use access::{PersonId, Proposal};
use core::{fmt, str::FromStr};
use jiff::Span;
use journal::{Day, Position};
use minicbor::{Decode, Encode};
use nhs::{FinancialYear, NhsNumber, OdsCode, Pseudonym};
use std::collections::BTreeMap;

/// A plan's number: the position of the record that opened it. Written `phb-123`, which is also its name in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct PlanNumber(#[n(0)] pub Position);

/// A text is not a plan's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a plan's id is, for example, phb-123")]
pub struct PlanNumberError;

impl FromStr for PlanNumber {
    type Err = PlanNumberError;

    /// Reads `phb-` and one to nine digits: ten could be an NHS number that slipped in from another column.
    fn from_str(text: &str) -> Result<Self, PlanNumberError> {
        let digits = text.strip_prefix("phb-").ok_or(PlanNumberError)?;
        let plain = (1..=9).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if !plain {
            return Err(PlanNumberError);
        }
        digits.parse().map(|number| Self(Position::new(number))).map_err(|_| PlanNumberError)
    }
}

impl fmt::Display for PlanNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "phb-{}", self.0)
    }
}

/// Why the person has a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum CareCategory {
    /// NHS continuing healthcare of an adult.
    #[n(1)]
    AdultContinuingHealthcare,
    /// Continuing care of a child or young person.
    #[n(2)]
    ChildrensContinuingCare,
    /// Any other.
    #[n(3)]
    Other,
}

impl CareCategory {
    /// Every category.
    pub const ALL: [Self; 3] = [Self::AdultContinuingHealthcare, Self::ChildrensContinuingCare, Self::Other];
}

/// Into whose hands a direct payment is paid (the National Health Service (Direct Payments) Regulations 2013). Their names
/// and bank details are the identity service's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Recipient {
    /// The person.
    #[n(1)]
    Person,
    /// A representative, where the person lacks capacity or is a child.
    #[n(2)]
    Representative,
    /// A nominee whom the person chose.
    #[n(3)]
    Nominee,
}

/// An opaque staff subject id. Never a number that could be a patient's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffId(PersonId);

/// A text is not a staff subject id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a staff id is 1 to 64 of a-z, 0-9, dot, underscore and hyphen, and no NHS number")]
pub struct StaffIdError;

impl StaffId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for StaffId {
    type Err = StaffIdError;

    fn from_str(text: &str) -> Result<Self, StaffIdError> {
        if text.parse::<NhsNumber>().is_ok() {
            return Err(StaffIdError);
        }
        text.parse().map(Self).map_err(|_| StaffIdError)
    }
}

impl<C> Encode<C> for StaffId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(self.as_str())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for StaffId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str()?.parse().map_err(|_| minicbor::decode::Error::message("a staff id is malformed"))
    }
}

/// When a plan is reviewed: dated configuration of the adapter, kept with the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ReviewRule {
    /// Months from the start to the first review; 1 to 12.
    #[n(0)]
    pub first_months: u8,
    /// Months from one review to the next; 1 to 12.
    #[n(1)]
    pub then_months: u8,
}

impl ReviewRule {
    /// Three months, then a year (NHS practice, unverified; configurable).
    pub const DEFAULT: Self = Self { first_months: 3, then_months: 12 };

    pub(crate) fn is_sound(self) -> bool {
        (1..=12).contains(&self.first_months) && (1..=12).contains(&self.then_months)
    }
}

pub(crate) fn months_after(day: Day, months: u8) -> Day {
    day.date().checked_add(Span::new().months(months)).map_or(day, Day::from)
}

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum PlanState {
    /// Opened by one officer; another must approve it.
    #[n(0)]
    Proposed,
    /// Approved; the ledger is asked for its money.
    #[n(1)]
    Approving,
    /// Money may be spent.
    #[n(2)]
    Active,
    /// The person is in hospital: instalments are skipped, spends of those days refused.
    #[n(3)]
    Suspended,
    /// The person has died: nothing after that day is spent; what was owed by then is settled.
    #[n(4)]
    Deceased,
    /// Nothing more happens.
    #[n(5)]
    Closed,
}

/// What may happen to a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PlanStep {
    /// Another officer approves it.
    Approve,
    /// The ledger gives its money.
    Grant,
    /// The ledger refuses its money.
    Deny,
    /// The person goes into hospital.
    Suspend,
    /// The person comes back.
    Resume,
    /// The person dies.
    Die,
    /// It ends, everything being settled.
    Close,
}

impl PlanStep {
    /// Every step.
    pub const ALL: [Self; 7] =
        [Self::Approve, Self::Grant, Self::Deny, Self::Suspend, Self::Resume, Self::Die, Self::Close];
}

impl PlanState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Proposed, Self::Approving, Self::Active, Self::Suspended, Self::Deceased, Self::Closed];

    /// The state after `step`. Errors, with the state that forbids it, when there is none.
    pub const fn after(self, step: PlanStep) -> Result<Self, Self> {
        match (self, step) {
            (Self::Proposed, PlanStep::Approve) => Ok(Self::Approving),
            (Self::Approving, PlanStep::Grant) | (Self::Suspended, PlanStep::Resume) => Ok(Self::Active),
            (Self::Approving, PlanStep::Deny) => Ok(Self::Proposed),
            (Self::Active, PlanStep::Suspend) => Ok(Self::Suspended),
            (Self::Active | Self::Suspended, PlanStep::Die) => Ok(Self::Deceased),
            (Self::Proposed | Self::Active | Self::Suspended | Self::Deceased, PlanStep::Close) => {
                Ok(Self::Closed)
            }
            (
                Self::Proposed
                | Self::Approving
                | Self::Active
                | Self::Suspended
                | Self::Deceased
                | Self::Closed,
                PlanStep::Approve
                | PlanStep::Grant
                | PlanStep::Deny
                | PlanStep::Suspend
                | PlanStep::Resume
                | PlanStep::Die
                | PlanStep::Close,
            ) => Err(self),
        }
    }

    /// Whether the plan has money: approved and not closed.
    #[must_use]
    pub const fn is_funded(self) -> bool {
        match self {
            Self::Active | Self::Suspended | Self::Deceased => true,
            Self::Proposed | Self::Approving | Self::Closed => false,
        }
    }
}

/// A plan as decisions need it: about 300 bytes and 150 a pot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Whose plan.
    pub pseudonym: Pseudonym,
    /// The clinical commissioning group that pays.
    pub ccg: OdsCode,
    /// Why the person has a budget.
    pub category: CareCategory,
    /// The financial year whose money it is.
    pub year: FinancialYear,
    /// The first day of care under it.
    pub starts: Day,
    /// The care co-ordinator.
    pub co_ordinator: StaffId,
    /// Into whose hands a direct payment is paid.
    pub recipient: Recipient,
    /// Where it stands.
    pub state: PlanState,
    /// What was proposed, and by whom.
    pub proposal: Proposal,
    /// Its pots, at most one of a kind.
    pub pots: BTreeMap<PotKind, Pot>,
    /// When it is reviewed.
    pub reviews: ReviewRule,
    /// The day by which the next review is due.
    pub next_review: Day,
    /// The first day in hospital, while suspended.
    pub suspended_from: Option<Day>,
    /// The day of death.
    pub died: Option<Day>,
}

impl Plan {
    /// The budget line: `<ccg>/phb/<financial year>`.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{}/phb/{}", self.ccg, self.year)
    }

    /// The first day after the financial year, on which its holds no longer stand.
    #[must_use]
    pub fn year_over(&self) -> Day {
        Day::from(self.year.last_day()).plus(1)
    }

    /// Whether the review due is late on `day`.
    #[must_use]
    pub fn review_overdue(&self, day: Day) -> bool {
        self.state.is_funded() && self.state != PlanState::Deceased && self.next_review < day
    }

    pub(crate) fn step(&self, step: PlanStep) -> Decided<PlanState> {
        self.state.after(step).map_err(crate::Refusal::IllegalPlanStep)
    }
}
