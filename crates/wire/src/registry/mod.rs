//! The registry's messages: requests to commands, rows there and back, refusals.

pub mod inward;
pub mod outward;
mod refusal;
