//! What takes two people: one proposes, another approves the same bytes ([`access::approve`]).
//!
//! ```text
//! Propose { act, reason } ──▶ proposed: its record and digest ──Approve by another, of the same digest──▶ done
//!                                  ├── Withdraw by the proposer ──▶ gone
//!                                  └── its day has passed ────────▶ gone
//! ```
//! A proposal is checked when it is made, so that nobody is asked to approve what could not be done, and decided again when it
//! is approved.

use crate::{MarkPeriod, PostGroup, Posting, Propose};
use journal::Digest;
use minicbor::{Decode, Encode};
use nhs::Period;

/// What takes two people.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Act {
    /// Opens a closed or soft-closed month again.
    #[n(1)]
    Reopen(#[n(0)] Period),
    /// Makes postings, all or none, that may be accounted for in soft-closed months.
    #[n(2)]
    Post(#[n(0)] PostGroup),
}

impl Act {
    /// The postings that it would make.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        match self {
            Self::Reopen(_) => &[],
            Self::Post(group) => &group.postings,
        }
    }
}

impl Propose {
    /// SHA-256 of the proposal's canonical bytes, CBOR of `[act, reason]` and the day of its expiry where it has one: what is
    /// approved.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail, and these values hold nothing that CBOR lacks.
        let _ = minicbor::Encoder::new(&mut bytes).encode(self);
        Digest::of(&bytes)
    }
}

impl MarkPeriod {
    /// The proposal to open the month again.
    #[must_use]
    pub fn reopening(self) -> Propose {
        Propose { act: Act::Reopen(self.period), reason: self.reason, expires: None }
    }
}

pub(crate) mod digest_bytes {
    use journal::Digest;
    use minicbor::{
        Decoder, Encoder,
        bytes::ByteArray,
        decode::Error as DecodeError,
        encode::{Error as EncodeError, Write},
    };

    pub(crate) fn encode<C, W: Write>(
        digest: &Digest,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        encoder.bytes(&digest.0)?.ok()
    }

    pub(crate) fn decode<'b, C>(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Digest, DecodeError> {
        decoder.decode::<ByteArray<32>>().map(|bytes| Digest(bytes.into()))
    }
}
