//! Receipts: one file that proves one record, offline, in the text format of c2sp.org/tlog-proof.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra qnBOyOgW4VnQo9HqLlDjm/GEYjLCsKZWGjjGoTfUXPs=     the record's leaf, so that the file proves it alone
//! index 73894                                      the position
//! gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=     the audit path, from the leaf's sibling to the root's child
//! …
//!
//! almoner.…/berkshire-west/ledger                  the signed checkpoint, verbatim
//! …
//! ```

use crate::{Checkpoint, CheckpointError, CheckpointVerifier, Digest, Position, leaf_hash, verify_inclusion};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use core::{fmt, str::FromStr};

/// A receipt does not prove what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The text is not a receipt.
    #[error("not a c2sp.org/tlog-proof file")]
    Malformed,
    /// Its checkpoint is not one of this journal.
    #[error("the receipt's checkpoint does not count")]
    Checkpoint(#[from] CheckpointError),
    /// It does not carry the record's leaf: the record itself is needed to check it.
    #[error("the receipt does not carry its record's leaf")]
    NoLeaf,
    /// The path does not lead from the record to the checkpoint's root.
    #[error("the receipt does not prove this record at position {0}")]
    Inclusion(Position),
}

/// The proof that a journal holds one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Where the record stands.
    pub position: Position,
    /// The record's leaf, when the file carries it: a holder needs nothing but the file and the key then.
    pub leaf: Option<Digest>,
    /// The audit path.
    pub path: Vec<Digest>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A path has one hash per level of the tree.
const PATH_MAX: usize = 64;

impl Receipt {
    /// Checks that the journal of `verifier` holds the record whose leaf the receipt carries, and returns the checkpoint that
    /// says so.
    pub fn verify_alone(&self, verifier: &CheckpointVerifier) -> Result<Checkpoint, ReceiptError> {
        self.verify_leaf(self.leaf.ok_or(ReceiptError::NoLeaf)?, verifier)
    }

    /// Checks that the journal of `verifier` holds `record`, and returns the checkpoint that says so.
    pub fn verify(&self, record: &[u8], verifier: &CheckpointVerifier) -> Result<Checkpoint, ReceiptError> {
        self.verify_leaf(leaf_hash(record), verifier)
    }

    /// The same for a record of which only the leaf is known.
    pub fn verify_leaf(
        &self,
        leaf: Digest,
        verifier: &CheckpointVerifier,
    ) -> Result<Checkpoint, ReceiptError> {
        let checkpoint = verifier.verify(&self.checkpoint)?;
        let other = self.leaf.is_some_and(|carried| carried != leaf);
        if !other && verify_inclusion(self.position.get(), leaf, &self.path, &checkpoint) {
            Ok(checkpoint)
        } else {
            Err(ReceiptError::Inclusion(self.position))
        }
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(leaf) = self.leaf {
            writeln!(f, "extra {}", BASE64.encode(leaf.0))?;
        }
        writeln!(f, "index {}", self.position)?;
        for hash in &self.path {
            writeln!(f, "{}", BASE64.encode(hash.0))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for Receipt {
    type Err = ReceiptError;

    fn from_str(text: &str) -> Result<Self, ReceiptError> {
        let malformed = || ReceiptError::Malformed;
        let (head, checkpoint) = text.split_once("\n\n").ok_or_else(malformed)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(malformed());
        }
        // Other writers may add what proves nothing: only a leaf's length is read as one, and the path must lead from it.
        let mut leaf = None;
        if let Some(extra) = lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            let extra = BASE64.decode(extra).map_err(|_| malformed())?;
            leaf = extra.try_into().ok().map(Digest);
            lines.next();
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).ok_or_else(malformed)?;
        let position: u64 = index.parse().map_err(|_| malformed())?;
        if position.to_string() != index {
            return Err(malformed());
        }
        let hash = |line: &str| BASE64.decode(line).ok().and_then(|hash| hash.try_into().ok()).map(Digest);
        let path = lines.map(hash).collect::<Option<Vec<_>>>().ok_or_else(malformed)?;
        if path.len() > PATH_MAX {
            return Err(malformed());
        }
        Ok(Self { position: Position::new(position), leaf, path, checkpoint: checkpoint.to_owned() })
    }
}

#[cfg(test)]
mod tests;
