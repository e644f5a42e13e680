//! Who may do what.
//!
//! - [`Caller`]: who is calling, read once from the URI names of a client certificate.
//! - [`Role`]: what a caller may be, and which kind of caller may be it.
//! - [`methods`]: the (role × method) table. A method without a row is refused to everybody.
//! - [`Proposal`] and [`approve`]: the one mechanism by which two different people agree to the same bytes.
//!
//! Pure: it knows certificates as text, methods as paths. Reading the certificate and refusing the call are `server`'s;
//! whose data a caller may touch is the adapter's question, which it asks with [`Caller::acts_for`].
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

mod approval;
mod caller;
pub mod methods;
mod role;

pub use approval::{Approval, ApprovalRefusal, Proposal, approve};
pub use caller::{Caller, CallerError, Identity, PersonId};
pub use methods::{Grant, Method, permits};
pub use role::{Role, Roles};
