//! The reference data that other services decide with, as of a registry position.
//!
//! ```text
//! registry journals (national + one system's) ──▶ Snapshot ──▶ canonical CBOR ──▶ blob, named by its SHA-256
//!                                                              adopted by referrals, settlement, reconciliation
//! blob ──▶ Reference: the same rows with look-ups by code and date
//! ```
//!
//! [`Snapshot`] is the rows, [`Reference`] the rows with their indexes. Rows stand in one order without duplicates and
//! are encoded in one way, so equal contents have equal bytes; other bytes are refused. Every row holds for a span of
//! days ([`Validity`]); where two rows of one key hold on a day, the one that began later counts.
//!
//! This crate knows no journal state, no caller and no price rule: who may change a row is `registry`'s, what a price is
//! is `tariff`'s. It owns nothing; it is a vocabulary.
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

mod calendar;
mod code;
mod contract;
mod dated;
mod look_up;
mod organisation;
mod pricing;
mod snapshot;

pub use calendar::{Cut, CutError, Deadlines, NoCut, Stage};
pub use code::{ContractId, ContractIdError};
pub use contract::{Contract, ContractMatch, Mechanism, Scope};
pub use dated::Validity;
pub use look_up::{Choice, Reference};
pub use organisation::{
    BankDetails, Channel, District, ExpenditureClass, MarketForces, Organisation, PaymentChannel, Practice,
    Role, Site, WordError,
};
pub use pricing::{
    AgreedPrice, AgreedTopUp, BestPractice, Modification, PRICING_ROWS_MAX, Plan, Pricing, PricingError,
};
pub use snapshot::{PriceBookContent, PriceKind, ReferenceError, Snapshot, System};
