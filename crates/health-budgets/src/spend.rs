//! A spend: something booked, delivered or evidenced.

use crate::{ItemCategory, PlanNumber, PotKind, Refusal, refusal::Decided};
use journal::{Day, RequestId};
use minicbor::{Decode, Encode};
use money::Pence;
use nhs::OdsCode;

/// Where a spend stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum SpendState {
    /// The ledger is asked to hold its money.
    #[n(0)]
    Booking,
    /// Its money is held.
    #[n(1)]
    Booked,
    /// The ledger is asked to recognise its delivery.
    #[n(2)]
    Delivering,
    /// The ledger is asked to recognise it without a booking before.
    #[n(3)]
    Spending,
    /// The ledger is asked to give its money up.
    #[n(4)]
    Cancelling,
    /// Delivered: its supplier is owed.
    #[n(5)]
    Delivered,
    /// Evidenced by whoever holds the cash. The ledger is not touched: care there is recognised by its period.
    #[n(6)]
    Evidenced,
    /// Cancelled.
    #[n(7)]
    Cancelled,
    /// The ledger refused its money.
    #[n(8)]
    Denied,
}

/// What may happen to a spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpendStep {
    /// The ledger grants what it is asked.
    Grant,
    /// The ledger refuses what it is asked.
    Deny,
    /// The service is delivered.
    Deliver,
    /// The booking is called off.
    Cancel,
}

impl SpendStep {
    /// Every step.
    pub const ALL: [Self; 4] = [Self::Grant, Self::Deny, Self::Deliver, Self::Cancel];
}

impl SpendState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Booking,
        Self::Booked,
        Self::Delivering,
        Self::Spending,
        Self::Cancelling,
        Self::Delivered,
        Self::Evidenced,
        Self::Cancelled,
        Self::Denied,
    ];

    /// The state after `step`. Errors, with the state that forbids it, when there is none.
    pub const fn after(self, step: SpendStep) -> Result<Self, Self> {
        match (self, step) {
            (Self::Booking, SpendStep::Grant) | (Self::Delivering | Self::Cancelling, SpendStep::Deny) => {
                Ok(Self::Booked)
            }
            (Self::Booking | Self::Spending, SpendStep::Deny) => Ok(Self::Denied),
            (Self::Booked, SpendStep::Deliver) => Ok(Self::Delivering),
            (Self::Booked, SpendStep::Cancel) => Ok(Self::Cancelling),
            (Self::Delivering | Self::Spending, SpendStep::Grant) => Ok(Self::Delivered),
            (Self::Cancelling, SpendStep::Grant) => Ok(Self::Cancelled),
            (
                Self::Booking
                | Self::Booked
                | Self::Delivering
                | Self::Spending
                | Self::Cancelling
                | Self::Delivered
                | Self::Evidenced
                | Self::Cancelled
                | Self::Denied,
                SpendStep::Grant | SpendStep::Deny | SpendStep::Deliver | SpendStep::Cancel,
            ) => Err(self),
        }
    }

    /// Whether it keeps a plan from closing.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Booking | Self::Booked | Self::Delivering | Self::Spending | Self::Cancelling => true,
            Self::Delivered | Self::Evidenced | Self::Cancelled | Self::Denied => false,
        }
    }
}

/// A spend as decisions need it; about 80 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// The plan.
    pub plan: PlanNumber,
    /// The pot.
    pub pot: PotKind,
    /// What is bought.
    pub item: ItemCategory,
    /// Who supplies it, when it is an organisation that we pay.
    pub supplier: Option<OdsCode>,
    /// Where it stands.
    pub state: SpendState,
    /// How much: booked, then delivered.
    pub pence: Pence,
    /// The day of the service.
    pub date: Day,
    /// The name of the hold of a booking.
    pub hold: Option<RequestId>,
}

impl Spend {
    pub(crate) fn step(&self, step: SpendStep) -> Decided<SpendState> {
        self.state.after(step).map_err(Refusal::IllegalSpendStep)
    }
}
