//! ISO 20022 `pain.001.001.03` (CustomerCreditTransferInitiationV03): the instruction of payments to a bank.
//!
//! [`write()`] turns a [`PaymentFile`] into bytes, sterling only, text in the SWIFT x set. Numbers of transactions and
//! control sums are counted here, per batch and for the file, and returned beside the bytes and their SHA-256, so that
//! what two people approve is what the bank adds up. [`read()`] returns what such a file instructs, for a
//! demonstration's bank and for whoever checks a file before it leaves.
//!
//! Accounts: an IBAN where it is known, else sort code and account number as 14 digits under scheme `BBAN`; the bank is
//! named by its sort code under clearing system `GBDSC` (ISO 20022 external code sets). Each payment is booked by
//! itself (`BtchBookg` false), so that every statement entry carries its end-to-end id.

mod read;
mod write;

pub use read::{Instruction, read};
pub use write::write;

use crate::reference::Reference;
use crate::{BankAccount, FileBytes, PrivateText, Replacement};
use jiff::civil::Date;
use money::Pence;
use nhs::OdsCode;

/// The message's namespace.
pub const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.03";
/// The most payments in one file: a bank takes no larger one without asking.
pub const PAYMENTS_MAX: usize = 100_000;
/// The most characters of a name (`Max140Text`).
pub const NAME_CHARACTERS_MAX: usize = 140;
/// The most characters of a remittance text (`Max140Text`).
pub const REMITTANCE_CHARACTERS_MAX: usize = 140;

/// A file of payments, one batch per payer account and execution date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentFile {
    /// The message's id; a bank refuses one that it has seen.
    pub message_id: Reference,
    /// When the file was made, in microseconds since 1970-01-01 UTC; written in whole seconds.
    pub created_us: i64,
    /// The name of who sends the file.
    pub initiating_party: String,
    /// The batches.
    pub batches: Vec<Batch>,
}

/// The payments of one payer, from one account, on one date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The batch's id, unique in the file.
    pub payment_information_id: Reference,
    /// The payer's name.
    pub payer_name: String,
    /// The payer's ODS code, written as the debtor's proprietary organisation id under scheme `ODS`.
    pub payer: OdsCode,
    /// The account that is debited.
    pub payer_account: BankAccount,
    /// When the payer's account is to be debited.
    pub requested_execution_date: Date,
    /// How fast.
    pub service_level: ServiceLevel,
    /// The payments.
    pub payments: Vec<Payment>,
}

/// How fast the bank is to move the money (ISO 20022 external service level codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceLevel {
    /// `NURG`: not urgent; a bank in the United Kingdom uses Bacs or Faster Payments.
    NonUrgent,
    /// `URGP`: urgent; CHAPS.
    Urgent,
}

/// One payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Identifies the instruction between payer and bank; unique in the file.
    pub instruction_id: Reference,
    /// Identifies the payment from end to end: it comes back on the statement; unique in the file.
    pub end_to_end_id: Reference,
    /// How much; never nothing.
    pub amount: Pence,
    /// The payee's name, which may be a person's.
    pub payee_name: PrivateText,
    /// The account that is credited.
    pub payee_account: BankAccount,
    /// What the payee's statement shows, at most 140 characters; no identity, no NHS number.
    pub remittance: String,
}

/// What a person signs off, and what the bank counts again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlTotals {
    /// The number of payments.
    pub payments: u32,
    /// Their sum.
    pub sum: Pence,
    /// The same per batch, in the file's order.
    pub batches: Vec<BatchTotals>,
}

/// The control totals of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchTotals {
    /// The batch's id.
    pub payment_information_id: Reference,
    /// The payer.
    pub payer: OdsCode,
    /// The number of payments.
    pub payments: u32,
    /// Their sum.
    pub sum: Pence,
}

/// A character that could not travel as it was given, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldReplacement {
    /// The field, for example `batch 1 payment 3 payee name`.
    pub at: String,
    /// What was replaced by what.
    pub replacement: Replacement,
}

/// A finished payment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenPaymentFile {
    /// The bytes and their SHA-256.
    pub file: FileBytes,
    /// The control totals, as they stand in the bytes.
    pub controls: ControlTotals,
    /// Every replacement that the character set made necessary.
    pub replaced: Vec<FieldReplacement>,
}
