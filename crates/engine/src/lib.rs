//! The loop of every journal: resolve the request id, decide, apply, encode the record into the open group.
//!
//! A synchronous state machine. It knows no file, no thread and no clock: the driver (in `server`) gives it the time with
//! every command, takes the group when it wants to sync, and hands records back when an id was seen before. So a
//! simulator can drive the same engine.
//!
//! ```text
//!   submit(now, request) ─▶ Seen { position }          the driver fetches that record and calls `replay`
//!                        └▶ Recorded { position, … }   one record more in the open group, the state already changed
//! ```
//!
//! Whoever drives it owes one thing: **nothing that was answered here, and nothing read from the state, leaves the process
//! before the group that holds it is durable.** There is no rollback; a failed sync ends the process.

mod group;
mod index;
mod machine;
mod recover;
mod snapshot;

pub use group::Group;
pub use index::{IdRun, NoPast, PastIds, RUN_IDS, Unavailable};
pub use machine::{Answer, Engine, EngineError, Now, Replay, Request, Submitted, day_roll_id};
pub use recover::{RecoverError, Recovery};

#[cfg(test)]
mod tests;
