//! The `reconciliation` crate.
