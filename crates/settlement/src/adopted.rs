//! The reference data in force.

use journal::Digest;
use reference::{Reference, ReferenceError};
use std::sync::Arc;

/// A snapshot ready to decide with.
#[derive(Debug, Clone)]
pub struct Adopted {
    reference: Arc<Reference>,
    digest: Digest,
}

/// A snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot cannot be read")]
pub struct AdoptError(#[from] ReferenceError);

impl Adopted {
    /// Reads a snapshot's canonical bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, AdoptError> {
        Ok(Self { reference: Arc::new(Reference::decode(bytes)?), digest: Digest::of(bytes) })
    }

    /// The snapshot's look-ups.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The SHA-256 of the snapshot's canonical bytes.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether the snapshot shows an older registry than `other` does.
    #[must_use]
    pub fn is_older_than(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.reference.rows(), other.reference.rows());
        mine.registry_position < theirs.registry_position || mine.national_position < theirs.national_position
    }
}
