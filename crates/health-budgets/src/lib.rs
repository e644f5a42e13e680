//! Personal health budgets: plans, the pots they are held in, what is spent from them, and what comes back.
//!
//! ```text
//! plan     proposed ─approve (another officer)▶ approving ─granted▶ active ⇄ suspended
//!                                                              └────┴─death▶ deceased     each ─close▶ closed
//! booking  booking ─granted▶ booked ─deliver▶ delivering ─granted▶ delivered
//!                              └─cancel▶ cancelling ─granted▶ cancelled
//! spend    notional: spending ─granted▶ delivered        cash pots: evidenced
//! reclaim  deciding ─granted▶ decided ─receipt▶ receiving ─granted▶ decided … received
//! ```
//!
//! Money moves in the ledger only, and the ledger may say no. So a command that moves money is a *request*: its record makes
//! an [`Ask`], which names the one [`Posting`] it wants under a request id derived from the record's. Whoever drives this
//! domain carries open asks to the ledger, as often as needed, and records each answer once with [`SettleAsk`]. Open asks
//! are state, so a restart finds them again.
//!
//! Pure: no clock, file or random number. It depends on the ledger by name only: a posting holds paths and pence.
//!
//! **Invariant:** the only thing here that stands for a patient is the pseudonym.
//!
//! **Invariant:** from a cash pot (third party, direct payment) no more is paid, and no more is evidenced, than its budget.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod apply;
mod ask;
mod codec;
mod command;
mod decide;
mod domain;
mod event;
mod item;
mod plan;
mod posting;
mod pot;
mod reclaim;
mod refusal;
mod spend;
mod state;
mod view;

#[cfg(test)]
mod tests;

pub use ask::{Ask, AskKind, LedgerAnswer, LedgerReason, NodeLimit};
pub use command::{
    ApprovePlan, ApproveWriteOff, BookService, CancelBooking, ClosePlan, Command, DecideReclaim, FallDue,
    OpenPlan, ProposeWriteOff, RecordCarePeriod, RecordDeath, RecordDelivery, RecordReceipt, RecordReturn,
    RecordReview, RecordSpend, ResumePlan, SettleAsk, SuspendPlan,
};
pub use domain::HealthBudgets;
pub use event::Event;
pub use item::ItemCategory;
pub use plan::{
    CareCategory, Plan, PlanNumber, PlanNumberError, PlanState, PlanStep, Recipient, ReviewRule, StaffId,
    StaffIdError,
};
pub use posting::{EntryKind, HoldAction, Leg, Posting};
pub use pot::{Frequency, Pot, PotKind, PotTerms, Schedule};
pub use reclaim::{Reclaim, ReclaimReason, ReclaimState, ReclaimStep};
pub use refusal::{Class, Refusal};
pub use spend::{Spend, SpendState, SpendStep};
pub use state::State;
pub use view::{Cell, SMALL_NUMBER_MIN, totals};
