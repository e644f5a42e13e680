//! The `nhs` crate.
