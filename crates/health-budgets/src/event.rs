//! What happened.

use journal::Day;
use minicbor::{Decode, Encode};
use money::Pence;

/// The consequence of an accepted command: only what the command, the moment and the state before do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Event {
    /// The plan is proposed; its number is the record's position.
    #[n(0)]
    PlanOpened,
    /// The plan is approved by two; the ledger is asked for its money.
    #[n(1)]
    ApprovalRequested,
    /// The holder's spend is evidenced.
    #[n(2)]
    SpendEvidenced,
    /// The ledger is asked to post a spend.
    #[n(3)]
    SpendRequested {
        /// Whether it goes beyond the notional budget, which is allowed and noted.
        #[n(0)]
        over_budget: bool,
        /// When its supplier is due to be paid.
        #[n(1)]
        due: Day,
    },
    /// The ledger is asked to hold a booking's money.
    #[n(4)]
    BookingRequested {
        /// Whether it goes beyond the notional budget, which is allowed and noted.
        #[n(0)]
        over_budget: bool,
    },
    /// The ledger is asked to post a delivery.
    #[n(5)]
    DeliveryRequested {
        /// When its supplier is due to be paid.
        #[n(0)]
        due: Day,
    },
    /// The ledger is asked to give a booking's money up.
    #[n(6)]
    CancellationRequested,
    /// The ledger is asked to post an instalment.
    #[n(7)]
    InstalmentRequested,
    /// The instalment passes unpaid: the person is in hospital.
    #[n(8)]
    InstalmentSkipped,
    /// The ledger is asked to recognise care.
    #[n(9)]
    CareRequested,
    /// The plan is suspended.
    #[n(10)]
    PlanSuspended,
    /// The plan is active again.
    #[n(11)]
    PlanResumed,
    /// The death is recorded; the ledger is asked to give up what was held for later instalments, if anything.
    #[n(12)]
    DeathRecorded,
    /// The ledger is asked to make money recoverable.
    #[n(13)]
    ReclaimRequested {
        /// How much of it comes out of what was paid ahead.
        #[n(0)]
        from_ahead: Pence,
    },
    /// The ledger is asked to take a receipt in.
    #[n(14)]
    ReceiptRequested,
    /// The ledger is asked to take a return in.
    #[n(15)]
    ReturnRequested,
    /// The review is recorded.
    #[n(16)]
    ReviewRecorded {
        /// The day by which the next is due.
        #[n(0)]
        next: Day,
    },
    /// A write-off awaits a second person.
    #[n(17)]
    WriteOffProposed,
    /// The ledger is asked to write it off.
    #[n(18)]
    WriteOffRequested,
    /// The plan is closed; the ledger is asked to give up what was held, if anything.
    #[n(19)]
    PlanClosed,
    /// The ledger's answer is in force.
    #[n(20)]
    AskSettled,
}
