//! Why not: a closed catalogue.

use access::ApprovalRefusal;
use journal::Position;
use minicbor::{Decode, Encode};

/// Why a command was refused. Checked in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Encode, Decode)]
pub enum Refusal {
    /// No rows, or more than one proposal holds.
    #[n(1)]
    #[error("a proposal holds 1 to 200 control totals")]
    BatchSize,
    /// One body twice.
    #[n(2)]
    #[error("row {row} is about a body that an earlier row is about")]
    RowRepeated {
        /// The later row, from 0.
        #[n(0)]
        row: u32,
    },
    /// The source is empty or too long.
    #[n(3)]
    #[error("a source has 1 to 120 bytes")]
    TextLength,
    /// A reserve below nothing.
    #[n(4)]
    #[error("row {row} has a negative reserve")]
    ReserveNegative {
        /// The row, from 0.
        #[n(0)]
        row: u32,
    },
    /// More proposals wait than are kept.
    #[n(5)]
    #[error("too many proposals wait for another person")]
    TooManyProposals,
    /// No proposal of that position waits.
    #[n(6)]
    #[error("no proposal {proposal} waits")]
    ProposalUnknown {
        /// The position.
        #[n(0)]
        proposal: Position,
    },
    /// Two people do not agree to the same bytes.
    #[n(7)]
    #[error(transparent)]
    Approval(#[n(0)] ApprovalRefusal),
    /// A total beyond what sums have room for.
    #[n(8)]
    #[error("row {row} has a control total beyond 1,000,000,000,000,000 pence")]
    TotalTooLarge {
        /// The row, from 0.
        #[n(0)]
        row: u32,
    },
}

impl Refusal {
    /// Every code, in the order of precedence.
    pub const REASONS: &'static [&'static str] = &[
        "BATCH_SIZE",
        "ROW_REPEATED",
        "TEXT_LENGTH",
        "RESERVE_NEGATIVE",
        "TOTAL_TOO_LARGE",
        "TOO_MANY_PROPOSALS",
        "PROPOSAL_UNKNOWN",
        "SAME_PERSON",
        "DIGEST_MISMATCH",
    ];

    /// The stable code in UPPER_SNAKE.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BatchSize => "BATCH_SIZE",
            Self::RowRepeated { .. } => "ROW_REPEATED",
            Self::TextLength => "TEXT_LENGTH",
            Self::ReserveNegative { .. } => "RESERVE_NEGATIVE",
            Self::TotalTooLarge { .. } => "TOTAL_TOO_LARGE",
            Self::TooManyProposals => "TOO_MANY_PROPOSALS",
            Self::ProposalUnknown { .. } => "PROPOSAL_UNKNOWN",
            Self::Approval(refusal) => refusal.reason(),
        }
    }
}
