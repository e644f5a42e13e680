//! Settlement: what falls due by the calendar, and runs that pay what is owed.
//!
//! ```text
//! run      PREPARED ─approve (another person, the same digest)▶ APPROVED ─pay▶ PAYING ─every payment ended▶ PAID ─close▶ CLOSED
//!             │              └─enough witnesses cosigned, where the approval asks for them▶ WITNESSED ─pay▶ PAYING
//!             └──────────── cancel, or a newer preparation ──────────┴──▶ CANCELLED, SUPERSEDED
//! payment  PLANNED ─ledger grants▶ INSTRUCTED ─bank takes it▶ ACCEPTED ─statement▶ SETTLED ─comes back▶ RETURNED
//!             └─ledger refuses▶ WITHHELD     └──────────┴─bank refuses▶ REJECTED
//! ```
//!
//! A preparation posts nothing. It collects what the ledger owes, window by window, checks it against what referrals
//! sealed, and fixes it as one blob of canonical CBOR ([`RunContent`]); two people agree to the SHA-256 of that blob, and
//! what is paid is what stands in it, or nothing.
//!
//! Money moves in the ledger only. A record that moves money makes an [`Ask`], whose [`Posting`] has a request id derived
//! from the record's; whoever drives this domain carries open asks to the ledger, as often as needed, and records each
//! answer once with [`SettleAsks`]. Open asks are state, so a restart finds them again, and nothing is posted twice.
//!
//! Pure: no clock, file, network or random number. Reading windows and cuts is the adapter's, deciding what they amount to
//! is [`fn@prepare`]'s; payment files are made by [`files`] as bytes, and written by the adapter.
//!
//! **Invariant:** a person who receives a direct payment is a plan id here. Names and bank details of people never enter a
//! record, a blob or the state.
//!
//! **Invariant:** a part of a window is paid by at most one run, and never more of it than its total.
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

mod adopted;
mod apply;
mod ask;
mod attribute;
mod bank;
mod bank_read;
mod command;
mod content;
mod decide;
mod domain;
mod event;
pub mod files;
mod instalment;
mod names;
mod posting;
mod prepare;
mod refusal;
mod run;
mod state;
mod witness;

pub use adopted::{AdoptError, Adopted};
pub use ask::{Ask, AskKind, LedgerAnswer, LedgerReason};
pub use bank::{
    BankEntry, BankMessage, Direction, EntryOutcome, MessageKind, STATEMENT_ID_BYTES_MAX, StatementFacts,
};
pub use bank_read::read_bank_message;
pub use command::{
    AdoptReference, AdoptTerms, ApproveRun, Command, FallDue, PayRun, PrepareRun, PrepareTerms,
    RecordBankMessage, RecordFiles, SettleAsks, StepRun,
};
pub use content::{
    CarryReason, ContentError, CutCheck, Decision, Row, RunContent, RunTotals, SiteLines, Warning, WindowPart,
};
pub use domain::Settlement;
pub use event::Event;
pub use instalment::{DueKind, Instalment, InstalmentKey, InstalmentState, share};
pub use names::{BudgetLine, NameError, Payee, PlanId, Programme, WindowKey};
pub use posting::{EntryKind, Leg, Posting, WindowUse};
pub use prepare::{CutPart, LedgerWindow, PayableAccount, PrepareError, SealedCut, Sources, prepare};
pub use refusal::Refusal;
pub use run::{FileKind, IllegalStep, Payment, PaymentState, Run, RunFile, RunState, RunStep};
pub use state::State;
pub use witness::{PinnedCheckpoint, Pins, WaiveWitnesses, Waiver, WitnessRun, Witnessed, waiver_digest};

#[cfg(test)]
mod tests;
