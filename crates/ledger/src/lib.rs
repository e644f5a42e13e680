//! The ledger: accounts by path, postings, holds, limits, windows, periods.
//!
//! ```text
//! <ccg>/<programme>/<financial year>          a budget line, within which every entry balances
//!   fund/  allocation  expenditure/<class>  prepayment/<payee>  recoverable/<payee>
//!          PHB lines: unassigned/allocation, and plan/<plan>/{allocation, expenditure/<class>, prepayment, advance, recoverable}
//!   owed/  payable/<payee>  contested/<payee>  estimate/<payee>
//!   out/   in-transit  bank  transferred
//! resource-limit/<ccg>/<financial year>       where allocations come from
//! target/<organisation>[/<item>]              memorandum: offsets and targets, apart from everything above
//!
//! allocated  =  committed    +  accrued       +  paid         +  available
//! allocation    open holds      credit of owed   credit of out   credit of fund less holds
//! ```
//!
//! The identity is double entry, not a report: legs on `allocation` balance against other allocations or the resource
//! limit, all other legs of a line among themselves. Pure: no clock, file or random number, and no list of entries:
//! an entry is its record in the journal, read by position. What a posting means (a price, a cut, a plan) is the business
//! of the service that wrote it; this crate knows paths and pence only.
//!
//! **What cannot be refused.** Kinds that other services report ([`EntryKind::is_report`]) pass HARD limits, which then
//! only note the breach; a capture or release of a hold that is gone moves nothing and the event says so; a window that is
//! sealed passes what names it on to the next run; a closed month passes it on to the next open one; a shut fund to that of the
//! year after.
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

mod act;
mod apply;
mod codec;
mod command;
mod decide;
mod domain;
mod draft;
mod entry;
mod event;
mod limit;
mod path;
mod period;
mod refusal;
mod snapshot;
mod state;
mod view;
mod window;
mod year_end;

pub use act::Act;
pub use command::{
    Approve, Command, ExpireHolds, ExpireProposals, MarkPeriod, OpenAccount, PostGroup, Propose, Reverse,
    SealWindows, SetLimit, Withdraw,
};
pub use domain::Ledger;
pub use entry::{
    AnswerWith, EntryKind, HOLD_ACTIONS_PER_GROUP_MAX, HOLD_ACTIONS_PER_POSTING_MAX, HoldAction,
    LEGS_PER_GROUP_MAX, LEGS_PER_POSTING_MAX, Leg, Made, ON_BEHALF_BYTES_MAX, POSTINGS_PER_GROUP_MAX,
    Posting, REFERENCE_BYTES_MAX, TEXT_BYTES_PER_GROUP_MAX, WindowUse, entries,
};
pub use event::{AccountBalance, BREACHES_MAX, Breach, Event, Posted, SealedWindow, WindowStep};
pub use limit::{Limit, Severity};
pub use path::{AccountPath, Column, ExpenditureClass, NodePath, PathError, Programme};
pub use period::{Marked, PeriodStanding, PeriodView};
pub use refusal::{Class, LegAt, Refusal, RefusedPosting};
pub use state::{State, Totals};
pub use view::{AccountView, DueReversal, HoldView, LimitView, LinePosition, LineView, NodeView, WindowView};
pub use window::{Stage, WindowKey, WindowName};
pub use year_end::{ROLL_ACCOUNTS_MAX, ROLL_HOLDS_MAX, RollForward, ShutFund};
