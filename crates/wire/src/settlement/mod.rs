//! Settlement's messages and its domain types.

pub mod inward;
pub mod outward;
mod refusal;

pub use refusal::{Unable, unprepared};

#[cfg(test)]
mod tests;
