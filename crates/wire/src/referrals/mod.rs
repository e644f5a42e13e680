//! The messages of referrals: lines and referrals to commands, answers and readings to messages, refusals.
//!
//! A line never fails a call. [`inward::line`] either reads it or says everything that is wrong with it, as codes, without
//! building a single text: there are a hundred thousand of them a second.

pub mod challenge;
pub mod inward;
pub mod outward;
mod refusal;

pub use refusal::problems;
