//! Pricing lines again after terms or a list were corrected: proposed with what each line would come to, approved by another
//! person, and then done line by line, each a new version that posts the difference.

use crate::ActivityLine;
use access::Proposal;
use journal::{Blobs, DecodeError, Digest, Position};
use minicbor::{Decode, Encode};
use money::{NetPence, Pence, TotalPence};
use std::{collections::BTreeMap, sync::Arc};

/// The most lines of one repricing.
pub const REPRICED_MAX: usize = 200_000;
/// The longest reason.
pub const REPRICING_REASON_BYTES_MAX: usize = 500;

/// A line whose price changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RepricedRow {
    /// The record of its version in force.
    #[n(0)]
    pub line: Position,
    /// Its price.
    #[n(1)]
    pub before: Pence,
    /// What it comes to now.
    #[n(2)]
    pub after: Pence,
}

/// The lines of a repricing: their CBOR is a blob, durable before the record that names it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct RepricedRows(#[n(0)] pub Vec<RepricedRow>);

impl RepricedRows {
    /// The bytes of the blob.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail, and rows hold nothing that CBOR lacks.
        let _ = minicbor::encode(self, &mut bytes);
        bytes
    }

    /// The rows of that digest. Errors when they are missing, damaged, or no rows.
    pub fn read(digest: Digest, blobs: &dyn Blobs) -> Result<Self, DecodeError> {
        minicbor::decode(&blobs.checked(digest)?).map_err(|_| DecodeError::BlobDamaged(digest))
    }

    /// Whether there are some, not too many, in the order of their records, each once and with another price.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        let rows = &self.0;
        (1..=REPRICED_MAX).contains(&rows.len())
            && rows.is_sorted_by(|a, b| a.line < b.line)
            && rows.iter().all(|row| row.before != row.after)
    }

    /// What the prices come to before and after.
    #[must_use]
    pub fn sums(&self) -> (TotalPence, TotalPence) {
        let add = |sum: (TotalPence, TotalPence), row: &RepricedRow| {
            (sum.0.plus(row.before), sum.1.plus(row.after))
        };
        self.0.iter().fold((TotalPence::default(), TotalPence::default()), add)
    }
}

/// Proposes a repricing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposeRepricing {
    /// What stands in the record.
    pub terms: RepricingTerms,
    /// Its lines, read from their blob.
    pub rows: Arc<RepricedRows>,
}

/// What the record of a proposed repricing holds; its lines are a blob.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RepricingTerms {
    /// The reference data that the prices were worked out with.
    #[n(0)]
    pub reference: Digest,
    /// SHA-256 of the lines: what both people agree to.
    #[n(1)]
    pub rows: Digest,
    /// Why.
    #[n(2)]
    pub reason: String,
}

/// A second person's yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ApproveRepricing {
    /// The record that proposed it.
    #[n(0)]
    pub repricing: Position,
    /// The digest of its lines that the approver looked at.
    #[n(1)]
    pub rows: Digest,
}

/// Prices one line of an approved repricing again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RepriceLine {
    /// The record that proposed the repricing.
    #[n(0)]
    pub repricing: Position,
    /// The line as its record has it.
    #[n(1)]
    pub line: ActivityLine,
    /// The referral that it was matched to.
    #[n(2)]
    pub referral: Option<Position>,
}

/// Where a repricing stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repricing {
    /// What is to be done, and who proposed it.
    pub proposal: Proposal,
    /// The record that approved it.
    pub approved: Option<Position>,
    /// How many lines it is of.
    pub lines: u64,
    /// How many were priced again.
    pub done: u64,
    /// What was posted for them, as a difference.
    pub posted: NetPence,
    /// The lines left, with their price before and after.
    pub(crate) left: BTreeMap<Position, (Pence, Pence)>,
}

impl Repricing {
    /// The lines left, in the order of their records.
    pub fn left(&self) -> impl Iterator<Item = Position> + '_ {
        self.left.keys().copied()
    }
}
