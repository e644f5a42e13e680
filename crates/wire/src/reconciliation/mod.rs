//! Reconciliation's messages and its domain types.

pub mod inward;
pub mod outward;
mod refusal;

#[cfg(test)]
mod tests;
