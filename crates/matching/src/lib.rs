//! What a provider billed (its "SLAM" lines) against what the national data say (the commissioner's SUS rows), line by
//! line, and against our own price.
//!
//! ```text
//! SLAM lines ─┐   1. provider + CDS identifier                    ┌─ pairs, each in one class
//!             ├─▶ 2. provider + local spell or attendance + day ─▶─┤
//! SUS rows  ──┘   3. what is left is in one of the two only        └─ cells: provider, commissioner, point of delivery
//! ```
//!
//! - Every line of either side stands in exactly one [`Pair`], every pair in exactly one [`Class`], and each side of a pair
//!   counts in the cell of its own commissioner and point of delivery. So by construction, in each cell and over all of
//!   them, the classes' `SLAM − SUS` sum to the total's, to the penny.
//! - Where several things differ, the pair's class is the first of [`Class`]'s order, and [`Differences`] holds them all:
//!   commissioner, point of delivery, HRG, market forces factor, price. The widest comes first: who pays, in which setting,
//!   for what, where, and only then the amount alone, because each explains those that follow.
//! - Excess bed days are a line of their own beside their spell's and carry the spell's identifiers (point of delivery
//!   `ELXBD`): they are matched with excess bed days only.
//! - Lines are sorted, so neither their order nor how they arrived in batches can change an answer, and no answer depends on
//!   the order of a hash map. Memory is the lines themselves, 136 bytes each, and some 80 each for the work.
//!
//! Matching on these keys is NHS practice (unverified). The crate knows no file, journal, patient or clock.
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

mod class;
mod line;
mod pairing;
mod summary;

pub use class::{Class, Difference, Differences};
pub use line::Line;
pub use pairing::{Compared, Comparison, Pair};
pub use summary::{Cell, Sum, Summary};

#[cfg(test)]
mod tests;
