//! The offline verifier: what an auditor runs on a copy of a data folder, without the program that wrote it.
//!
//! It reads the published formats again with code of its own where that is cheap, and says everything that it finds, not only
//! the first. It proves that nothing was changed, removed or put in since a checkpoint was signed; given checkpoints and receipts
//! that others kept, that today's journal begins with yesterday's; and, by deciding every command again, that what stands in it
//! is what the rules make of it.
//!
//! ```text
//! segments ─▶ checksums, chain of groups ─▶ leaves ─▶ tree ─▶ roots of checkpoints, tiles, receipts   (one thread)
//!                                     └▶ decode ─▶ decide again, compare ─▶ apply ─▶ examine            (another)
//! ```
//! It streams: of a journal it holds one segment, the state that decisions need, sixteen bytes a record for its request id, and
//! what one journal tells another.
//!
//! [`flags`] says which journal entries an auditor looks at first; it works on facts that were read from a server as well.
//!
//! **Invariant:** depends on `journal` and pure domain crates only. It shares no code with `storage`, holds no key, and writes
//! nothing.

mod content;
mod crossing;
mod domains;
pub mod evaluate;
mod examine;
mod export;
mod finding;
pub mod flags;
mod folder;
mod hledger;
mod ids;
mod kept;
mod pins;
mod records;
mod replay;
mod reversals;
pub mod sample;
mod verify;

pub use crossing::Crossed;
pub use examine::{Given, JournalProof, Outcome, Unproved, Verification, examine};
pub use export::{ExportError, Rows, export_csv, export_parquet};
pub use finding::{Finding, RecordProblem};
pub use hledger::{Exported, export_hledger};
pub use replay::{Replayed, Waived};
pub use verify::{Report, Tail, verify_installation, verify_journal};
