//! Money as the ledger counts it: whole pence, sterling only.
//!
//! - [`Pence`]: a non-negative amount. A sign never means a side; [`Side`] does.
//! - [`NetPence`]: a signed net position, the only amount that may be negative.
//! - [`TotalPence`]: a total wide enough that no sum of accepted amounts overflows it.
//! - [`Factor`]: what multiplies a price (market forces factor, top-up), an exact decimal.
//! - [`Rounding`]: where an exact product becomes pence, once, by a named rule.
//!
//! This crate knows nothing of accounts, of the NHS, or of floats.
#![deny(clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

mod amount;
mod factor;
mod text;

pub use amount::{NetPence, Overflow, Pence, Side, TotalPence};
pub use factor::{Factor, FactorError, Product, Rounding, correction};
pub use text::MoneyTextError;
