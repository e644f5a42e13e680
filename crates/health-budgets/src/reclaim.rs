//! A reclaim: money that a holder must pay back.

use crate::{PlanNumber, PotKind, Refusal, refusal::Decided};
use access::Proposal;
use journal::Day;
use minicbor::{Decode, Encode};
use money::Pence;

/// Why money is asked back. Source: the National Health Service (Direct Payments) Regulations 2013 (SI 2013/1617),
/// regulation 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum ReclaimReason {
    /// The plan or the person's circumstances changed substantially.
    #[n(1)]
    CircumstancesChanged,
    /// A substantial part accumulated unused.
    #[n(2)]
    UnusedAccumulation,
    /// It was used otherwise than the plan says.
    #[n(3)]
    UsedOutsidePlan,
    /// Theft, fraud or another offence.
    #[n(4)]
    TheftOrFraud,
    /// The person died.
    #[n(5)]
    Death,
}

impl ReclaimReason {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::CircumstancesChanged,
        Self::UnusedAccumulation,
        Self::UsedOutsidePlan,
        Self::TheftOrFraud,
        Self::Death,
    ];
}

/// Where a reclaim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum ReclaimState {
    /// The ledger is asked to make it recoverable.
    #[n(0)]
    Deciding,
    /// Due back.
    #[n(1)]
    Decided,
    /// The ledger is asked to take a receipt in.
    #[n(2)]
    Receiving,
    /// One person proposes to give the rest up; another must agree.
    #[n(3)]
    GivingUp,
    /// The ledger is asked to write the rest off.
    #[n(4)]
    WritingOff,
    /// All of it came back.
    #[n(5)]
    Received,
    /// The rest was written off.
    #[n(6)]
    WrittenOff,
    /// The ledger refused it.
    #[n(7)]
    Denied,
}

/// What may happen to a reclaim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReclaimStep {
    /// The ledger grants what it is asked, and something is still due.
    Grant,
    /// The ledger grants what it is asked, and nothing is due any more.
    GrantLast,
    /// The ledger refuses what it is asked.
    Deny,
    /// Money came back.
    Receive,
    /// One person proposes to give the rest up.
    ProposeWriteOff,
    /// Another agrees.
    ApproveWriteOff,
}

impl ReclaimStep {
    /// Every step.
    pub const ALL: [Self; 6] = [
        Self::Grant,
        Self::GrantLast,
        Self::Deny,
        Self::Receive,
        Self::ProposeWriteOff,
        Self::ApproveWriteOff,
    ];
}

impl ReclaimState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Deciding,
        Self::Decided,
        Self::Receiving,
        Self::GivingUp,
        Self::WritingOff,
        Self::Received,
        Self::WrittenOff,
        Self::Denied,
    ];

    /// The state after `step`. Errors, with the state that forbids it, when there is none.
    pub const fn after(self, step: ReclaimStep) -> Result<Self, Self> {
        match (self, step) {
            (Self::Deciding | Self::Receiving, ReclaimStep::Grant)
            | (Self::Receiving | Self::WritingOff, ReclaimStep::Deny) => Ok(Self::Decided),
            (Self::Deciding, ReclaimStep::Deny) => Ok(Self::Denied),
            // Money that comes back while giving up is debated ends the debate.
            (Self::Decided | Self::GivingUp, ReclaimStep::Receive) => Ok(Self::Receiving),
            (Self::Receiving, ReclaimStep::GrantLast) => Ok(Self::Received),
            (Self::Decided | Self::GivingUp, ReclaimStep::ProposeWriteOff) => Ok(Self::GivingUp),
            (Self::GivingUp, ReclaimStep::ApproveWriteOff) => Ok(Self::WritingOff),
            (Self::WritingOff, ReclaimStep::GrantLast) => Ok(Self::WrittenOff),
            (
                Self::Deciding
                | Self::Decided
                | Self::Receiving
                | Self::GivingUp
                | Self::WritingOff
                | Self::Received
                | Self::WrittenOff
                | Self::Denied,
                ReclaimStep::Grant
                | ReclaimStep::GrantLast
                | ReclaimStep::Deny
                | ReclaimStep::Receive
                | ReclaimStep::ProposeWriteOff
                | ReclaimStep::ApproveWriteOff,
            ) => Err(self),
        }
    }

    /// Whether it keeps a plan from closing.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Deciding | Self::Decided | Self::Receiving | Self::GivingUp | Self::WritingOff => true,
            Self::Received | Self::WrittenOff | Self::Denied => false,
        }
    }
}

/// A reclaim as decisions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reclaim {
    /// The plan.
    pub plan: PlanNumber,
    /// The pot.
    pub pot: PotKind,
    /// How much was asked back.
    pub pence: Pence,
    /// How much of it comes out of what was paid ahead; the rest out of what was recognised or delivered.
    pub from_ahead: Pence,
    /// How much came back.
    pub received: Pence,
    /// Why.
    pub reason: ReclaimReason,
    /// By when.
    pub deadline: Day,
    /// Where it stands.
    pub state: ReclaimState,
    /// The write-off that one person proposed.
    pub write_off: Option<Proposal>,
}

impl Reclaim {
    /// What is still due back.
    #[must_use]
    pub fn due(&self) -> Pence {
        crate::pot::minus(self.pence, self.received)
    }

    pub(crate) fn step(&self, step: ReclaimStep) -> Decided<ReclaimState> {
        self.state.after(step).map_err(Refusal::IllegalReclaimStep)
    }
}
