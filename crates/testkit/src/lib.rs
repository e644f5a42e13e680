//! What tests of several crates share.
//!
//! - [`MemoryDisk`]: a file layer that crashes, fails, runs full and forgets what was not synced, on command.
//! - [`Forge`]: a journal whose records were changed, and that is written and signed as if they had not been.
//!
//! **Invariant:** nothing outside tests depends on this crate.

mod disk;
mod forge;

pub use disk::{Crash, Fault, MemoryDisk, Survivors};
pub use forge::{Body, Forge};
