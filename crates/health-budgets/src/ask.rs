//! What the ledger is asked, and its answer.

use crate::{PlanNumber, Posting, PotKind};
use journal::{Day, Position};
use minicbor::{Decode, Encode};
use money::Pence;

/// An open question to the ledger. It is named by the position of the record that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The plan.
    pub plan: PlanNumber,
    /// What hangs on the answer.
    pub kind: AskKind,
    /// The limit to be set before it is posted: a plan's own, when it is approved.
    pub limit: Option<NodeLimit>,
    /// What is to be posted.
    pub posting: Posting,
}

/// A floor of nothing under a node's available money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLimit {
    /// The node's path.
    pub node: String,
    /// Whether a posting that passes it is refused: where cash leaves before the care. Else the breach is noted.
    pub hard: bool,
}

/// What hangs on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskKind {
    /// A plan's approval.
    Approval,
    /// A booking, by its record.
    Booking(Position),
    /// A spend without a booking.
    Spend(Position),
    /// A delivery of so much.
    Delivery(Position, Pence),
    /// A cancellation.
    Cancellation(Position),
    /// An instalment.
    Instalment(PotKind, Pence),
    /// A period of care; with the last day recognised before it.
    Care(PotKind, Pence, Option<Day>),
    /// Holds given up when nothing more may be spent.
    Release,
    /// Money returned.
    Return(PotKind, Pence),
    /// A reclaim, by its record.
    Reclaim(Position),
    /// A receipt of so much.
    Receipt(Position, Pence),
    /// A write-off.
    WriteOff(Position),
}

/// The ledger's answer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum LedgerAnswer {
    /// It is posted.
    #[n(0)]
    Granted {
        /// Where in the ledger's journal.
        #[n(0)]
        position: Position,
    },
    /// It is refused.
    #[n(1)]
    Denied {
        /// The ledger's reason.
        #[n(0)]
        reason: LedgerReason,
        /// The position of the refusal in the ledger's journal.
        #[n(1)]
        position: Option<Position>,
    },
}

/// A reason of the ledger, in its own spelling: 1 to 63 of A-Z, 0-9 and underscore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerReason(Box<str>);

impl LedgerReason {
    /// The reason `text`; `UNKNOWN` when it is not one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let plain = (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        Self(if plain { text.into() } else { "UNKNOWN".into() })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<C> Encode<C> for LedgerReason {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for LedgerReason {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str().map(Self::new)
    }
}
