//! The `tariff` crate.
