//! The controlled plane: NHS number to pseudonym and back, and the payees of personal health budgets.
//!
//! ```text
//! blind index  = first 16 bytes of HMAC-SHA-256(index key, NHS number as 8 bytes, big-endian)
//! person row   = [blind index, pseudonym, sealed NHS number, wrapped person key]
//! sealed       = nonce (12) ++ ChaCha20-Poly1305(person key, NHS number or payee's details)
//! wrapped key  = nonce (12) ++ ChaCha20-Poly1305(generation key, person key)
//! ```
//!
//! The journal holds rows only; the index key and the generation keys live in files outside the data's backups, so a copy
//! of the journal alone names nobody, and destroying a person key makes that person's rows unreadable without touching
//! the chain of records. Sealing is here because it is a pure function; random bytes and key files are the service's.
//!
//! **Invariant:** no NHS number, name or bank detail stands in any `Debug`, error or unsealed record of this crate.
//!
//! **Invariant:** a person has one pseudonym in a system, for ever; whoever reads what is sealed leaves a note first.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod codec;
mod command;
mod decide;
mod ids;
pub mod seal;
mod state;

#[cfg(test)]
mod tests;

pub use command::{
    AdoptKeys, ApprovePayee, Command, Event, MintPersons, NoteRead, PERSON_ROWS_MAX, PersonRow, ProposePayee,
    Purpose, READ_PSEUDONYMS_MAX, Refusal,
};
pub use decide::Identity;
pub use ids::{BlindIndex, PayeeId, PayeeIdError, Sealed};
pub use state::{Keys, Payee, Proposal, State};
