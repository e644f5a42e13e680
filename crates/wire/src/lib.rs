//! Messages to domain types and back, and the one mapping of errors.
//!
//! Inward, a conversion collects every bad field at once ([`Fields`]) and parses once: what it returns is valid ever
//! after. Outward, a conversion is exhaustive: it takes the domain's value apart field by field, so that a new field is
//! a compile error here and not a silence on the wire.
//!
//! Only this crate names a gRPC code ([`status`]). A domain's refusals implement [`Reason`] in the file named after the
//! domain; each reason has a heading in `docs/errors.md`, which a test holds complete.

#[cfg(test)]
mod catalogue;
pub mod common;
mod field;
pub mod health_budgets;
pub mod identity;
pub mod ledger;
mod page;
pub mod reconciliation;
pub mod referrals;
pub mod registry;
pub mod settlement;
pub mod status;

pub use field::{FieldError, Fields, Known, Violation, Violations};
pub use page::{Cursor, Page, PageKey};
pub use status::{Class, Pushback, Reason};
