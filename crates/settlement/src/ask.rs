//! What the ledger is asked, and its answer.

use crate::{InstalmentKey, Posting};
use journal::{Position, RequestId};
use minicbor::{Decode, Encode};

/// An open question to the ledger. It is named by the record that asks and its index there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What hangs on the answer.
    pub kind: AskKind,
    /// What is to be posted.
    pub posting: Posting,
}

/// What hangs on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskKind {
    /// Something that fell due.
    Instalment(InstalmentKey),
    /// A payment is instructed.
    Instruct {
        /// The run.
        run: RequestId,
        /// The row.
        row: u16,
    },
    /// What the bank said of a payment is posted. It has happened, so the answer changes no state.
    Bank {
        /// The run.
        run: RequestId,
        /// The row.
        row: u16,
    },
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
