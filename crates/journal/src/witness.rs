//! What a log says to a witness, and when the witness agrees (c2sp.org/tlog-witness).
//!
//! ```text
//! old 20852014                                     the size that the witness saw last
//! PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=     the consistency proof from there
//! …
//!
//! <the checkpoint, signed by the log>
//! ```

use crate::note::Note;
use crate::{Checkpoint, Digest, LogKey, checkpoint_of, verify_consistency};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use core::{fmt, str::FromStr};

/// A consistency proof has at most this many hashes.
const PROOF_MAX: usize = 63;

/// A checkpoint offered to a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the tree that the witness cosigned last; 0 when it never did.
    pub old_size: u64,
    /// The proof that the new tree begins with that one (RFC 6962 section 2.1.2).
    pub proof: Vec<Digest>,
    /// The signed checkpoint, verbatim.
    pub note: String,
}

/// Why a witness does not cosign. In the order in which c2sp.org/tlog-witness has them checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WitnessRefusal {
    /// The request cannot be read.
    #[error("not a request to add a checkpoint")]
    Malformed,
    /// The witness does not know the log.
    #[error("the log is not known here")]
    UnknownLog,
    /// No signature of a key that the log is known by.
    #[error("no signature of a key that this log is known by")]
    Unsigned,
    /// The older tree is larger than the newer one.
    #[error("the old size is beyond the checkpoint's")]
    OldSize,
    /// The older tree is not the one that the witness cosigned last.
    #[error("the last size cosigned here is {size}")]
    Stale {
        /// What it cosigned last.
        size: u64,
    },
    /// The newer tree does not begin with the one that the witness cosigned last: the log was rolled back, forked or edited.
    #[error("the proof does not show that the log only grew")]
    Inconsistent,
    /// A tree of the same size has another root: the log was forked.
    #[error("another tree of the same size, {size}, was cosigned here")]
    Forked {
        /// The size.
        size: u64,
    },
}

impl AddCheckpoint {
    /// Whose checkpoint it is.
    pub fn origin(&self) -> Result<&str, WitnessRefusal> {
        checkpoint_of(&self.note).map(|(origin, _)| origin).map_err(|_| WitnessRefusal::Malformed)
    }

    /// The checkpoint that a witness cosigns, and its own lines: the witness knows the log by `keys` (none: it does not), and saw
    /// `seen` of it last (none: nothing so far). The caller keeps the checkpoint as seen, durably, before it cosigns, and lets no
    /// other request for the same log in between.
    pub fn judge(
        &self,
        keys: &[LogKey],
        seen: Option<&Checkpoint>,
    ) -> Result<(Checkpoint, &str), WitnessRefusal> {
        let (origin, checkpoint) = checkpoint_of(&self.note).map_err(|_| WitnessRefusal::Malformed)?;
        let note = Note::parse(&self.note).ok_or(WitnessRefusal::Malformed)?;
        let mut keys = keys.iter().filter(|key| key.origin() == origin).peekable();
        if keys.peek().is_none() {
            return Err(WitnessRefusal::UnknownLog);
        }
        if !keys.any(|key| key.signed(&note)) {
            return Err(WitnessRefusal::Unsigned);
        }
        if self.old_size > checkpoint.size {
            return Err(WitnessRefusal::OldSize);
        }
        let nothing = Checkpoint { size: 0, root: Digest::of(b"") };
        let seen = seen.unwrap_or(&nothing);
        if self.old_size != seen.size {
            return Err(WitnessRefusal::Stale { size: seen.size });
        }
        if checkpoint.size == seen.size && checkpoint.root != seen.root {
            return Err(WitnessRefusal::Forked { size: seen.size });
        }
        if !verify_consistency(seen, &checkpoint, &self.proof) {
            return Err(WitnessRefusal::Inconsistent);
        }
        Ok((checkpoint, note.text))
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        for hash in &self.proof {
            writeln!(f, "{}", BASE64.encode(hash.0))?;
        }
        write!(f, "\n{}", self.note)
    }
}

impl FromStr for AddCheckpoint {
    type Err = WitnessRefusal;

    fn from_str(text: &str) -> Result<Self, WitnessRefusal> {
        let malformed = || WitnessRefusal::Malformed;
        let (head, note) = text.split_once("\n\n").ok_or_else(malformed)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).ok_or_else(malformed)?;
        let old_size: u64 = old.parse().map_err(|_| malformed())?;
        let hash = |line: &str| BASE64.decode(line).ok().and_then(|hash| hash.try_into().ok()).map(Digest);
        let proof = lines.map(hash).take(PROOF_MAX.saturating_add(1));
        let proof = proof.collect::<Option<Vec<_>>>().ok_or_else(malformed)?;
        if old_size.to_string() != old || proof.len() > PROOF_MAX {
            return Err(malformed());
        }
        Ok(Self { old_size, proof, note: note.to_owned() })
    }
}

#[cfg(test)]
mod tests;
