//! The `settlement` crate.
