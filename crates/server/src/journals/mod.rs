//! The driver of every journal: OS threads, the files, the clock, and one gate before anything leaves.
//!
//! ```text
//!  Handle ──job──▶ engine thread: resolve id, decide, apply, encode ──group──▶ sync thread: hash, write, sync
//!    ▲                 ▲                                                             │
//!    │                 └──────────────── synced ─────────────────────────────────────┤
//!    └──────── answers and reads, released when the durable position covers them ◀────┘──▶ outbox ──▶ courier
//! ```
//!
//! The engine thread goes on deciding while a sync is in flight; what it decided meanwhile becomes the next group. A small group
//! it syncs itself, because handing it over costs as much as the sync. A third thread makes snapshots now and then, and others write the
//! request ids that memory holds no longer to files. A sync that
//! fails ends the process: the state in memory may then be ahead of the disk, and nobody was told of it.

mod clock;
mod engine_thread;
mod handle;
mod ids;
mod metrics;
mod mirror;
mod open;
mod outbox;
mod replay;
mod set;
mod snapshots;
mod status;
mod sync_thread;

pub use clock::{Clock, SystemClock};
pub use handle::{
    Answer, Answered, Answers, Handle, ReadAt, ReadError, Request, SignedCheckpoint, SubmitError, request,
    service_urn,
};
pub use open::{Directory, Journals, JournalsError, Lookup, Place, SystemFacts};
pub use outbox::{Courier, CourierError, Delivering, Delivery};
pub use set::{Advancing, AnyJournal, AnyJournals, Covering, Getting};

#[cfg(test)]
pub(crate) mod tests;
