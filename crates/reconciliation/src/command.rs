//! What reconciliation is asked to record, and what happened.

use access::Approval;
use journal::{Day, Digest, Position, RequestId, Service};
use minicbor::{Decode, Encode};
use money::NetPence;
use nhs::{FinancialYear, OdsCode};

/// The longest source in bytes.
pub const TEXT_BYTES_MAX: usize = 120;

/// The most rows of one proposal.
pub(crate) const ROWS_MAX: usize = 200;

/// A command. Each is one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Propose control totals.
    Propose(ProposeControlTotal),
    /// Agree to them, as another person.
    Approve(ApproveControlTotal),
    /// Keep a position for the file.
    RecordPosition(RecordPosition),
}

/// Control totals as one person proposes them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ProposeControlTotal {
    /// Whose year.
    #[n(0)]
    pub year: FinancialYear,
    /// One for each body; 1 to 200, each body once.
    #[n(1)]
    pub rows: Vec<Row>,
    /// Where they come from: 1 to 120 bytes.
    #[n(2)]
    pub source: String,
    /// Whether they were made for demonstration; shown wherever one of them is.
    #[n(3)]
    pub illustrative: bool,
}

/// One body's control total.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Row {
    /// The organisation; none for the system as a whole.
    #[n(0)]
    pub organisation: Option<OdsCode>,
    /// The surplus to be met at least, a deficit to be kept to when negative, in pence, without sustainability funding
    /// (NHS planning guidance 2017/18 and 2018/19: control totals are measured without it).
    #[n(1)]
    pub total: NetPence,
    /// What is set aside uncommitted as a risk reserve, in pence: 0.5 % of a commissioner's allocation in 2017/18 (NHS
    /// planning guidance 2017/18; the amount is data).
    #[n(2)]
    pub reserve: NetPence,
}

/// Another person's yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApproveControlTotal {
    /// The proposal's record.
    pub proposal: Position,
    /// The digest that the approver saw.
    pub digest: Digest,
}

/// A position to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPosition {
    /// Whose year.
    pub year: FinancialYear,
    /// What it was computed from.
    pub sources: Sources,
    /// SHA-256 of its canonical bytes, which are a blob of this journal.
    pub pack: Digest,
    /// What nobody has explained.
    pub unexplained: NetPence,
    /// How many ties were compared.
    pub ties: u32,
    /// How many of them are broken.
    pub breaks: u32,
}

/// Positions of other services' journals: what figures were read at.
pub type Sources = Vec<(Service, Position)>;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Event {
    /// Control totals are proposed, under this digest of their canonical bytes.
    #[n(0)]
    Proposed(#[cbor(n(0), with = "crate::domain::digest_bytes")] Digest),
    /// Two people agree to them.
    #[n(1)]
    Approved(#[n(0)] Approval),
    /// The position is kept.
    #[n(2)]
    PositionRecorded,
    /// Organisations' control totals in force are others than before.
    #[n(3)]
    Moved(#[n(0)] Moved),
}

/// By how much organisations' control totals of a year move, which the ledger's memorandum section follows.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Moved {
    /// Whose year.
    #[n(0)]
    pub year: FinancialYear,
    /// New total − old, in pence, never zero; 1 to 200, each organisation once.
    #[n(1)]
    pub changes: Vec<(OdsCode, NetPence)>,
}

/// What the ledger is told of control totals that moved: one posting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The posting's request id.
    pub request_id: RequestId,
    /// The business date of the approval.
    pub effective: Day,
    /// Whose year.
    pub year: FinancialYear,
    /// New total − old by organisation, in pence; at most [`CHANGES_PER_REPORT_MAX`].
    pub changes: Vec<(OdsCode, NetPence)>,
}

/// The most changes that one posting tells: each has two legs, and a posting takes 64.
pub const CHANGES_PER_REPORT_MAX: usize = 32;

/// The largest control total, either way, in pence: £10 trillion, many times the NHS. It leaves room for sums.
pub const TOTAL_MAX: i64 = 1_000_000_000_000_000;

impl ProposeControlTotal {
    /// SHA-256 of the canonical bytes: what the approver gives back.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Writing to a Vec cannot fail.
        Digest::of(&minicbor::to_vec(self).unwrap_or_default())
    }
}
