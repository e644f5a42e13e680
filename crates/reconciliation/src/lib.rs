//! Reconciliation: the ties between activity, ledger, settlement, bank and control total, and what is agreed about them.
//!
//! ```text
//! claims ──price, contest──▶ accepted ──post──▶ ledger ──run──▶ payments ──statement──▶ bank
//!    └── tie ──────────────────┴───── tie ────────┴───── tie ─────┴──────── tie ──────────┘
//! control total:  proposed ──approve (another person, the same digest)──▶ in force
//! ```
//!
//! - [`Figures`]: what the other services' books show, collected by the adapter at stated positions.
//! - [`ties`]: pure; compares the figures two by two. A [`Tie`] is [`Finding::Matched`], its differences all named, or it is
//!   a [`Finding::Break`], of a closed list of kinds with an owner and a remedy each.
//! - [`position`]: pure; where each commissioner stands with each payee, and each budget line.
//! - [`Reconciliation`]: the domain: control totals that two people agree to, and positions recorded for the file.
//!
//! It moves no money and corrects nothing. It never asks another service; the adapter collects. It tells the ledger one thing:
//! [`Report`], by how much control totals in force moved, for its memorandum section.
//!
//! **Invariant:** a tie's difference is the sum of its named differences and what is unexplained, to the penny.
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

mod account;
mod command;
mod domain;
mod figures;
mod pack;
mod position;
mod refusal;
mod state;
mod tie;
mod ties;

#[cfg(test)]
mod tests;

pub use account::{Account, Class, Leaf, Line, Programme};
pub use command::{
    ApproveControlTotal, CHANGES_PER_REPORT_MAX, Command, Event, Moved, ProposeControlTotal, RecordPosition,
    Report, Row, Sources, TEXT_BYTES_MAX, TOTAL_MAX,
};
pub use domain::Reconciliation;
pub use figures::{
    ActivityFigure, BudgetFigure, Figures, InstalmentFigure, LineFigure, PaymentFigure, PaymentProgress,
    StatementFigure, WindowFigure, WindowKind,
};
pub use pack::pack;
pub use position::{LineRow, PayeeRow, Position, position};
pub use refusal::Refusal;
pub use state::{ControlTotal, Pending, RecordedPosition, State};
pub use tie::{BreakKind, Difference, DifferenceKind, Finding, Tie, TieKind, unexplained};
pub use ties::ties;
