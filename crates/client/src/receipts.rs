//! Receipts: the files by which a caller proves, offline and for ever, what stands in a journal.

use crate::Connection;
use journal::{Checkpoint, Digest, Position, ProvenRange, Receipt, Service, SystemName};
use proto::journal::v1::{GetConsistencyProofRequest, GetReceiptsRequest};
use tonic::Status;

/// The most records whose receipts one call gives.
pub const RECORDS_PER_CALL_MAX: u32 = 8_000;

/// Receipts could not be had, or do not hold.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptsError {
    /// The server does not give them.
    #[error("the server gave no receipts")]
    Status(#[from] Status),
    /// What it gave proves nothing.
    #[error("what the server gave does not prove records {first} to {last} of {service}")]
    Proof {
        /// The first record.
        first: Position,
        /// The last.
        last: Position,
        /// Whose.
        service: Service,
    },
}

impl Connection {
    /// The receipts of `count` records (1 to [`RECORDS_PER_CALL_MAX`]) from `first` on. Each path leads to its checkpoint's root;
    /// whether that is signed is for whoever has the key to check.
    pub async fn receipts(
        &self,
        system: &SystemName,
        service: Service,
        first: Position,
        count: u32,
    ) -> Result<Vec<Receipt>, ReceiptsError> {
        let request = GetReceiptsRequest {
            system: system.to_string(),
            service: service.to_string(),
            first_position: first.get(),
            record_count: count,
        };
        let answer = self.ask(request).await?;
        let last = Position::new(first.get().saturating_add(u64::from(count)).saturating_sub(1));
        let unproved = || ReceiptsError::Proof { first, last, service };
        let leaves = digests(&answer.leaf_hashes).ok_or_else(unproved)?;
        let proof = digests(&answer.proof_hashes).ok_or_else(unproved)?;
        let (_, checkpoint) = Checkpoint::claimed(&answer.note).map_err(|_| unproved())?;
        if leaves.len() != usize::try_from(count).unwrap_or(usize::MAX) {
            return Err(unproved());
        }
        let range = ProvenRange::verify(&checkpoint, first.get(), &leaves, &proof).ok_or_else(unproved)?;
        let receipt = |(position, leaf): (u64, &Digest)| {
            let path = range.inclusion_proof(position)?;
            let (position, leaf) = (Position::new(position), Some(*leaf));
            Some(Receipt { position, leaf, path, checkpoint: answer.note.clone() })
        };
        (first.get()..).zip(&leaves).map(receipt).collect::<Option<_>>().ok_or_else(unproved)
    }

    /// The proof that the tree of `new_size` records of a journal begins with the tree of `old_size` (RFC 6962 section
    /// 2.1.2). It is not checked here: `journal::verify_consistency` does, with both checkpoints.
    pub async fn consistency_proof(
        &self,
        system: &SystemName,
        service: Service,
        old_size: u64,
        new_size: u64,
    ) -> Result<Vec<Digest>, ReceiptsError> {
        let request = GetConsistencyProofRequest {
            system: system.to_string(),
            service: service.to_string(),
            old_size,
            new_size,
        };
        let answer = self.ask(request).await?;
        let last = Position::new(new_size.saturating_sub(1));
        let first = Position::new(old_size);
        digests(&answer.proof_hashes).ok_or(ReceiptsError::Proof { first, last, service })
    }
}

fn digests(hashes: &[impl AsRef<[u8]>]) -> Option<Vec<Digest>> {
    hashes.iter().map(|hash| hash.as_ref().try_into().ok().map(Digest)).collect()
}
