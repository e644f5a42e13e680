//! Who is who, who buys what from whom, and by which calendar: the data that the other services decide with.
//!
//! ```text
//! national journal: organisations, practices, market forces factors, national price books, the list of systems
//! system journal:   sites and their payees, districts, contracts, local price books, calendars, channels, bank details
//!                      both ──▶ reference::Snapshot, which other services adopt
//!
//! proposed ──approve (another person, the same digest)──▶ in force      contracts, price books, bank details
//!     └────withdraw──▶ gone
//! ```
//!
//! One domain runs both journals; which rows belong in which is the adapter's to say, and a system's commands carry what
//! the national journal says of the organisations they name ([`Known`]), so that a replay needs one journal only.
//! Rows are those of [`mod@reference`], keyed by code and first day: registering a key again replaces its row, registering
//! the same content again changes nothing.
//!
//! It knows no price rule, no activity and no money; it never asks another service.
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

mod check;
mod codec;
mod command;
mod decide;
mod refusal;
mod state;
mod table;

pub use command::{
    ApproveProposal, Command, Content, Event, HOLIDAYS_MAX, Known, KnownBody, NAME_BYTES_MAX, PriceBook,
    Propose, ROWS_MAX, RegisterDistricts, RegisterMarketForces, RegisterOrganisations, RegisterPractices,
    RegisterSites, RegisterSystem, SOURCE_BYTES_MAX, SetCalendar, SetPaymentChannels, WithdrawProposal,
};
pub use decide::Registry;
pub use refusal::Refusal;
pub use state::{Pending, State};
