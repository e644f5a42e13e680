//! Two different people, the same bytes.
//!
//! ```text
//! proposed ──approve(by another, of the same digest)──▶ approved
//!     └─────by the proposer, or of other bytes─────────▶ refused, still proposed
//! ```
//! Money out, bank details, price books, control totals, offsets and reopening a period all go this way. That both are
//! people and not systems is the method table's doing: the roles that approve cannot stand in an organisation's
//! certificate ([`crate::Role::is_for_organisations`]).

use journal::{Digest, Position};
use minicbor::{Decode, Encode};

/// What one person proposed: the digest of exactly what is to happen, and who proposed it.
///
/// People are the positions of the records that first named them, as in every record body, so the same certificate
/// identity is the same number however often its certificate is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Proposal {
    /// SHA-256 of the canonical bytes of what is proposed. The domain says which bytes.
    #[cbor(n(0), with = "digest_bytes")]
    pub digest: Digest,
    /// Who proposed it.
    #[n(1)]
    pub proposer: Position,
}

/// What two different people agreed to. Only [`approve`] makes one, and reading one back from a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Approval {
    #[n(0)]
    proposal: Proposal,
    #[n(1)]
    approver: Position,
}

impl Approval {
    /// What was approved, and who proposed it.
    #[must_use]
    pub const fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// Who approved it.
    #[must_use]
    pub const fn approver(&self) -> Position {
        self.approver
    }
}

/// Why an approval does not count. In order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Encode, Decode)]
#[cbor(index_only)]
pub enum ApprovalRefusal {
    /// The approver is the proposer.
    #[error("whoever proposed it cannot approve it: another person must")]
    #[n(0)]
    SamePerson,
    /// The approver saw other bytes than were proposed.
    #[error("the digest approved is not the digest proposed: look at it again and approve what it is now")]
    #[n(1)]
    DigestMismatch,
}

impl ApprovalRefusal {
    /// Every refusal.
    pub const ALL: [Self; 2] = [Self::SamePerson, Self::DigestMismatch];

    /// The stable code of this refusal.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::SamePerson => "SAME_PERSON",
            Self::DigestMismatch => "DIGEST_MISMATCH",
        }
    }
}

/// The approval of `proposal` by `approver`, who saw `digest`. Errors when the approver is the proposer, or when what was
/// seen is not what was proposed.
pub fn approve(proposal: &Proposal, approver: Position, digest: Digest) -> Result<Approval, ApprovalRefusal> {
    if approver == proposal.proposer {
        Err(ApprovalRefusal::SamePerson)
    } else if digest != proposal.digest {
        Err(ApprovalRefusal::DigestMismatch)
    } else {
        Ok(Approval { proposal: *proposal, approver })
    }
}

mod digest_bytes {
    use journal::Digest;
    use minicbor::{
        Decoder, Encoder,
        bytes::ByteArray,
        decode::Error as DecodeError,
        encode::{Error as EncodeError, Write},
    };

    pub(super) fn encode<C, W: Write>(
        digest: &Digest,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        encoder.bytes(&digest.0)?.ok()
    }

    pub(super) fn decode<'b, C>(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Digest, DecodeError> {
        decoder.decode::<ByteArray<32>>().map(|bytes| Digest(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_person_approves_the_same_bytes() {
        let (seen, other) = (Digest::of(b"run 1"), Digest::of(b"run 2"));
        let (ann, bob) = (Position::new(3), Position::new(8));
        let proposal = Proposal { digest: seen, proposer: ann };
        let table = [
            (bob, seen, Ok((ann, bob))),
            (ann, seen, Err(ApprovalRefusal::SamePerson)),
            (ann, other, Err(ApprovalRefusal::SamePerson)),
            (bob, other, Err(ApprovalRefusal::DigestMismatch)),
        ];
        for (approver, digest, expected) in table {
            let found = approve(&proposal, approver, digest);
            assert_eq!(found.map(|a| (a.proposal().proposer, a.approver())), expected);
        }
    }

    #[test]
    fn an_approval_reads_back_from_its_bytes() {
        let proposal = Proposal { digest: Digest::of(b"run 1"), proposer: Position::new(3) };
        let approval = approve(&proposal, Position::new(8), proposal.digest).unwrap();
        let bytes = minicbor::to_vec(approval).unwrap();
        assert_eq!(minicbor::decode::<Approval>(&bytes).unwrap(), approval);
        assert_eq!(&bytes[..5], &[0x82, 0x82, 0x58, 32, proposal.digest.0[0]]);
    }
}
