//! ISO 20022 `pain.002` (CustomerPaymentStatusReport): what the bank says about instructed payments, one by one.
//!
//! Versions `.001.03` and `.001.10` are read. A report may speak of a whole file or batch and name no payment: the
//! status of the group and of each batch is given beside those of payments, and which of them a payment inherits is for
//! the reader of the report to say.

use crate::read_error::ReadError;
use crate::xml_in::{Child, Cursor};
use crate::xml_values::{required, set_once};

type Result<T> = core::result::Result<T, ReadError>;

/// The namespace of version 3.
pub const NAMESPACE_03: &str = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.03";
/// The namespace of version 10.
pub const NAMESPACE_10: &str = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10";

/// A status report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// The report's id.
    pub message_id: String,
    /// The id of the payment file it speaks of.
    pub original_message_id: String,
    /// The status of the whole file, when stated.
    pub group: Option<Status>,
    /// What it says of batches and payments.
    pub batches: Vec<BatchStatus>,
}

/// What the bank says about one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchStatus {
    /// The batch's id in the payment file.
    pub payment_information_id: String,
    /// The status of the whole batch, when stated.
    pub status: Option<Status>,
    /// The payments that are named.
    pub payments: Vec<PaymentStatus>,
}

/// What the bank says about one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentStatus {
    /// The payment's end-to-end id in the payment file.
    pub end_to_end_id: Option<String>,
    /// Its instruction id in the payment file.
    pub instruction_id: Option<String>,
    /// Its status, when stated.
    pub status: Option<Status>,
}

/// A status and its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The code as the bank wrote it, one to four letters.
    pub code: String,
    /// What it means for a payment.
    pub outcome: Outcome,
    /// The reasons: codes of ISO 20022's external status reasons, or the bank's own.
    pub reasons: Vec<String>,
}

/// What a status code means for a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// On its way, or waiting: no final word.
    Pending,
    /// Accepted for settlement.
    Accepted,
    /// The payer's account has been debited, or the payee's credited.
    Settled,
    /// Rejected or cancelled: it will not be paid.
    Rejected,
    /// Part of a group accepted, part not: the payments say which.
    Partly,
    /// A code that is not known here: to be looked at by a person.
    Unknown,
}

/// ISO 20022 external payment transaction and group status codes.
const CODES: [(&str, Outcome); 17] = [
    ("RCVD", Outcome::Pending),
    ("PDNG", Outcome::Pending),
    ("PATC", Outcome::Pending),
    ("ACTC", Outcome::Pending),
    ("ACFC", Outcome::Pending),
    ("ACCP", Outcome::Accepted),
    ("ACSP", Outcome::Accepted),
    ("ACWC", Outcome::Accepted),
    ("ACWP", Outcome::Accepted),
    ("ACPD", Outcome::Accepted),
    ("ACSC", Outcome::Settled),
    ("ACCC", Outcome::Settled),
    ("RJCT", Outcome::Rejected),
    ("CANC", Outcome::Rejected),
    ("BLCK", Outcome::Rejected),
    ("PART", Outcome::Partly),
    ("PRES", Outcome::Pending),
];

impl Outcome {
    fn of(code: &str) -> Self {
        CODES.iter().find(|(known, _)| *known == code).map_or(Self::Unknown, |(_, outcome)| *outcome)
    }
}

/// Reads a status report.
///
/// # Errors
/// See [`ReadError`].
pub fn read(bytes: &[u8]) -> Result<StatusReport> {
    let mut cursor = Cursor::open(bytes, &[NAMESPACE_03, NAMESPACE_10])?;
    let mut report = None;
    while let Some(child) = cursor.child()? {
        match child.name() {
            "CstmrPmtStsRpt" => {
                let value = read_report(&mut cursor, &child)?;
                set_once(&mut report, value, "CstmrPmtStsRpt", child.position)?;
            }
            _ => cursor.skip()?,
        }
    }
    cursor.finish()?;
    required(report, "CstmrPmtStsRpt", 0)
}

fn read_report(cursor: &mut Cursor<'_>, parent: &Child<'_>) -> Result<StatusReport> {
    let (mut message_id, mut group) = (None, None);
    let mut batches = Vec::new();
    while let Some(child) = cursor.child()? {
        let position = child.position;
        match child.name() {
            "GrpHdr" => {
                let value = required(cursor.text_at(&["MsgId"])?, "MsgId", position)?;
                set_once(&mut message_id, value, "GrpHdr", position)?;
            }
            "OrgnlGrpInfAndSts" => {
                let mut original = None;
                let mut draft = StatusDraft::default();
                while let Some(child) = cursor.child()? {
                    match child.name() {
                        "OrgnlMsgId" => {
                            set_once(&mut original, cursor.text()?, "OrgnlMsgId", child.position)?;
                        }
                        _ => draft.read(cursor, &child, "GrpSts")?,
                    }
                }
                let original = required(original, "OrgnlMsgId", position)?;
                set_once(&mut group, (original, draft.finish()), "OrgnlGrpInfAndSts", position)?;
            }
            "OrgnlPmtInfAndSts" => batches.push(read_batch(cursor, &child)?),
            _ => cursor.skip()?,
        }
    }
    let (original_message_id, group) = required(group, "OrgnlGrpInfAndSts", parent.position)?;
    let message_id = required(message_id, "GrpHdr", parent.position)?;
    Ok(StatusReport { message_id, original_message_id, group, batches })
}

fn read_batch(cursor: &mut Cursor<'_>, parent: &Child<'_>) -> Result<BatchStatus> {
    let mut id = None;
    let mut draft = StatusDraft::default();
    let mut payments = Vec::new();
    while let Some(child) = cursor.child()? {
        match child.name() {
            "OrgnlPmtInfId" => set_once(&mut id, cursor.text()?, "OrgnlPmtInfId", child.position)?,
            "TxInfAndSts" => payments.push(read_payment(cursor)?),
            _ => draft.read(cursor, &child, "PmtInfSts")?,
        }
    }
    let payment_information_id = required(id, "OrgnlPmtInfId", parent.position)?;
    Ok(BatchStatus { payment_information_id, status: draft.finish(), payments })
}

fn read_payment(cursor: &mut Cursor<'_>) -> Result<PaymentStatus> {
    let (mut end_to_end_id, mut instruction_id) = (None, None);
    let mut draft = StatusDraft::default();
    while let Some(child) = cursor.child()? {
        let position = child.position;
        match child.name() {
            "OrgnlEndToEndId" => set_once(&mut end_to_end_id, cursor.text()?, "OrgnlEndToEndId", position)?,
            "OrgnlInstrId" => set_once(&mut instruction_id, cursor.text()?, "OrgnlInstrId", position)?,
            _ => draft.read(cursor, &child, "TxSts")?,
        }
    }
    Ok(PaymentStatus { end_to_end_id, instruction_id, status: draft.finish() })
}

#[derive(Default)]
struct StatusDraft {
    code: Option<String>,
    reasons: Vec<String>,
}

impl StatusDraft {
    /// Reads the child when it is the status called `element` or a reason for it; skips any other.
    fn read(&mut self, cursor: &mut Cursor<'_>, child: &Child<'_>, element: &'static str) -> Result<()> {
        let position = child.position;
        match child.name() {
            name if name == element => {
                let code = cursor.text()?;
                if !(1..=4).contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
                    let expected = "a code of one to four letters";
                    return Err(ReadError::ValueRefused { element, position, expected });
                }
                set_once(&mut self.code, code, element, position)
            }
            "StsRsnInf" => {
                let reason = cursor.within("Rsn", |cursor, _| cursor.code_choice())?.flatten();
                self.reasons.extend(reason);
                Ok(())
            }
            _ => cursor.skip(),
        }
    }

    fn finish(self) -> Option<Status> {
        let reasons = self.reasons;
        self.code.map(|code| Status { outcome: Outcome::of(&code), code, reasons })
    }
}
