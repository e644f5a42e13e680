//! The `server` crate.

pub mod journals;
