//! The `health-budgets` crate.
