//! Files that leave for a bank or a ledger of record, and the messages that come back: bytes in, bytes out.
//!
//! Out:
//! - [`pain001`]: ISO 20022 `pain.001.001.03`, the instruction to a bank.
//! - [`accounts_payable`] and [`journal_file`]: the same run as CSV for a ledger of record.
//! - [`remittance`]: what one payment pays, per payee and payer, with a section per site.
//! - [`mod@reference`]: the identifiers that tie an instruction to its statement line, derived, never drawn.
//!
//! Back:
//! - [`camt053`]: bank statements `camt.053.001.02` and `.08` (and a writer of `.02`, for a demonstration's bank).
//! - [`pain002`]: payment status reports `pain.002.001.03` and `.10`.
//!
//! **Invariant:** every file is returned with its SHA-256 and the totals that a person signs off; a total is added up
//! here in whole pence, never taken from the caller.
//! **Invariant:** a message that comes back is read whole or refused by name ([`ReadError::reason`]); nothing is skipped
//! that could change an amount, and no document type, entity, foreign namespace or other encoding is followed.
//! **Invariant:** names and free text that may belong to a person are [`PrivateText`], absent from errors and `Debug`.
//!
//! This crate knows nothing of runs, approvals, ledgers, files, clocks or networks. Which bank account belongs to whom
//! is the registry's to know, and its checksums against a modulus table are not done here: that table is not openly
//! licensed.
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

mod account;
pub mod accounts_payable;
pub mod camt053;
mod charset;
mod file_bytes;
pub mod journal_file;
mod ledger_of_record;
pub mod pain001;
pub mod pain002;
mod private_text;
mod read_error;
pub mod reference;
pub mod remittance;
mod write_error;
mod xml_in;
mod xml_out;
mod xml_values;

pub use account::{AccountError, BankAccount};
pub use charset::{CharsetError, Replacement, Restricted, is_swift_x, restrict};
pub use file_bytes::{Digest, FileBytes};
pub use ledger_of_record::{CODING_SEGMENT_CHARACTERS_MAX, Channel, Coding, CodingError, WrittenCsv};
pub use private_text::PrivateText;
pub use read_error::ReadError;
pub use write_error::WriteError;
pub use xml_in::{DEPTH_MAX, MESSAGE_BYTES_MAX, TEXT_BYTES_MAX};
pub use xml_values::MessageTime;
