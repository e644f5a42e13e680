//! A change of the key that signs a journal's checkpoints, and what signed them when.
//!
//! The journal records it as a signed note (c2sp.org/signed-note) that both keys sign: who trusts the old key follows to the new
//! one, and who trusts the new key knows by it which one was before.
//!
//! ```text
//! almoner/key-rotation/v1
//! almoner.0192f0c1-2b3c-7d4e-8f90-123456789abc/berkshire-west/ledger       the journal
//! 20852163                                                                 the position of the record that holds this note
//! <old verifier key>
//! <new verifier key>
//!
//! — <origin> <base64 of key id ++ the old key's Ed25519 signature of the text above the empty line>
//! — <origin> <base64 of key id ++ the new key's>
//! ```
//! A checkpoint of a tree that holds that record is signed by the new key, one of a smaller tree by the old one.

use crate::note::Note;
use crate::{Checkpoint, CheckpointError, CheckpointSigner, CheckpointVerifier, Position};
use core::{fmt, str::FromStr};

/// The first line. No origin is spelled so: a note of one kind is never one of the other.
const TITLE: &str = "almoner/key-rotation/v1";

/// A text is not a change of key that counts, or does not follow from those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRotationError {
    /// Not the five lines and two signatures of a change of key.
    #[error("not a change of key")]
    Malformed,
    /// The journal's own name is not that of both keys.
    #[error("a change of key between two journals")]
    Origin,
    /// One of the two keys' signatures is missing or does not hold.
    #[error("the change of key is not signed by both keys")]
    Unsigned,
    /// It is recorded before the last one, or changes another key than the one in force.
    #[error("the change of key does not follow the one before it")]
    Order,
}

/// One change of key. Whoever holds a value knows that both keys signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRotation {
    position: Position,
    old: CheckpointVerifier,
    new: CheckpointVerifier,
    note: String,
}

impl KeyRotation {
    /// The change from the key of `old` to that of `new`, to be recorded at `position`. Errors when they sign for different journals.
    pub fn sign(
        old: &CheckpointSigner,
        new: &CheckpointSigner,
        position: Position,
    ) -> Result<Self, KeyRotationError> {
        let (before, after) = (old.verifier(), new.verifier());
        if before.origin() != after.origin() {
            return Err(KeyRotationError::Origin);
        }
        let text = format!("{TITLE}\n{}\n{position}\n{before}\n{after}\n", before.origin());
        let note = format!("{text}\n{}{}", old.sign_line(&text), new.sign_line(&text));
        Ok(Self { position, old: before.clone(), new: after.clone(), note })
    }

    /// The position of the record that holds it.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// The key until then.
    #[must_use]
    pub const fn old(&self) -> &CheckpointVerifier {
        &self.old
    }

    /// The key from then on.
    #[must_use]
    pub const fn new_key(&self) -> &CheckpointVerifier {
        &self.new
    }

    /// The signed note.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

impl fmt::Display for KeyRotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.note)
    }
}

impl FromStr for KeyRotation {
    type Err = KeyRotationError;

    fn from_str(note: &str) -> Result<Self, KeyRotationError> {
        let malformed = || KeyRotationError::Malformed;
        let parsed = Note::parse(note).ok_or_else(malformed)?;
        let mut lines = parsed.text.strip_suffix('\n').ok_or_else(malformed)?.split('\n');
        let mut next = || lines.next().ok_or_else(malformed);
        let (title, origin, number, old, new) = (next()?, next()?, next()?, next()?, next()?);
        if title != TITLE || lines.next().is_some() {
            return Err(malformed());
        }
        let position: u64 = number.parse().map_err(|_| malformed())?;
        if position.to_string() != number {
            return Err(malformed());
        }
        let key = |text: &str| text.parse::<CheckpointVerifier>().map_err(|_| malformed());
        let (old, new) = (key(old)?, key(new)?);
        if [&old, &new].iter().any(|key| key.origin().as_str() != origin) {
            return Err(KeyRotationError::Origin);
        }
        if [&old, &new].iter().any(|key| !key.signed(&parsed)) {
            return Err(KeyRotationError::Unsigned);
        }
        Ok(Self { position: Position::new(position), old, new, note: note.to_owned() })
    }
}

/// The changes of key of one journal, in their order: which key signs for a tree of which size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyHistory(Vec<KeyRotation>);

impl KeyHistory {
    /// Adds the next change. Errors when it is not of the same journal, not later, or not of the key in force.
    pub fn push(&mut self, rotation: KeyRotation) -> Result<(), KeyRotationError> {
        let follows = |last: &KeyRotation| last.new == rotation.old && last.position < rotation.position;
        if self.0.last().is_some_and(|last| !follows(last)) {
            return Err(KeyRotationError::Order);
        }
        self.0.push(rotation);
        Ok(())
    }

    /// The changes, in their order.
    #[must_use]
    pub fn rotations(&self) -> &[KeyRotation] {
        &self.0
    }

    /// The key that signs for a tree of `size` records. `trusted` is the key that the reader was given, of this journal: when it is
    /// one of the history's, the history says; when it is none of them, `trusted` alone counts.
    #[must_use]
    pub fn verifier_at<'a>(&'a self, trusted: &'a CheckpointVerifier, size: u64) -> &'a CheckpointVerifier {
        let known = self.0.iter().any(|rotation| rotation.old == *trusted || rotation.new == *trusted);
        let Some(first) = self.0.first().filter(|_| known) else { return trusted };
        let held = self.0.iter().take_while(|rotation| rotation.position.get() < size);
        held.last().map_or(&first.old, |rotation| &rotation.new)
    }

    /// The checkpoint in the signed note `note`, when the key of its size signed it.
    pub fn verify(&self, trusted: &CheckpointVerifier, note: &str) -> Result<Checkpoint, CheckpointError> {
        let size = Checkpoint::claimed(note)?.1.size;
        self.verifier_at(trusted, size).verify(note)
    }
}

/// A journal's history is written as its notes, one after another.
impl fmt::Display for KeyHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|rotation| rotation.fmt(f))
    }
}

/// Reads the notes of changes of key in `text`, one after another, of whichever journals.
pub fn read_rotations(text: &str) -> Result<Vec<KeyRotation>, KeyRotationError> {
    let mut notes: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        if line.trim_end() == TITLE {
            notes.push(String::new());
        }
        notes.last_mut().ok_or(KeyRotationError::Malformed)?.push_str(line);
    }
    notes.iter().map(|note| note.parse()).collect()
}

#[cfg(test)]
mod tests;
