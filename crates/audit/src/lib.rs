//! The offline verifier: what an auditor runs on a copy of a data folder, without the program that wrote it.
//!
//! It reads the published formats again with code of its own where that is cheap, and says everything that it finds, not only
//! the first. It proves that nothing was changed, removed or put in since a checkpoint was signed; and, given checkpoints that
//! the auditor kept, that today's journal begins with yesterday's.
//!
//! [`flags`] says which journal entries an auditor looks at first; it works on facts that were read from a server as well.
//!
//! **Invariant:** depends on `journal` and pure domain crates only. It shares no code with `storage`, holds no key, and writes
//! nothing.

mod finding;
pub mod flags;
mod hledger;
mod records;
mod verify;

pub use finding::{Finding, RecordProblem};
pub use hledger::{ExportError, Exported, export_hledger};
pub use verify::{Report, Tail, verify_installation, verify_journal};
