//! What tests of several crates share.
//!
//! - [`MemoryDisk`]: a file layer that crashes, fails, runs full and forgets what was not synced, on command.
//!
//! **Invariant:** nothing outside tests depends on this crate.

mod disk;

pub use disk::{Crash, Fault, MemoryDisk, Survivors};
