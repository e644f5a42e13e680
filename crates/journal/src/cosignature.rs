//! Cosignatures (c2sp.org/tlog-cosignature, `cosignature/v1`): a witness says that, at a time, this was the largest tree that it
//! had seen of a log, and that it had grown consistently until then.
//!
//! ```text
//! cosignature/v1          what a witness signs: two lines,
//! time 1679315147
//! <the checkpoint's own lines>
//!
//! — <witness> <base64 of key id (4 bytes) ++ time (8 bytes, big-endian) ++ Ed25519 signature>     the line that it adds
//! ```

use crate::note::{COSIGNATURE_V1, ED25519, Note, NoteKey, is_name, line};
use crate::{Checkpoint, CheckpointError, CheckpointVerifier};
use core::{fmt, str::FromStr};
use ed25519_dalek::{Signer as _, SigningKey};

/// The bytes of the time before the signature.
const TIME_BYTES: usize = 8;

/// A name or verifier key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteKeyError {
    /// A name with spaces, plus signs or control characters, empty, or longer than 255 bytes.
    #[error("a key's name is 1 to 255 bytes without spaces and plus signs")]
    Name,
    /// Not a verifier key of the kind that is wanted.
    #[error("not a verifier key: <name>+<id, 8 hexadecimal digits>+<base64>")]
    Key,
}

/// The key by which a log signs its checkpoints, whoever's log it is. Its name is the log's origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey(NoteKey);

impl LogKey {
    /// The log's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0.name
    }

    /// Whether `note` carries this key's signature.
    pub(crate) fn signed(&self, note: &Note<'_>) -> bool {
        note.signatures_of(&self.0).any(|signature| self.0.holds(note.text.as_bytes(), signature))
    }
}

impl From<&CheckpointVerifier> for LogKey {
    fn from(verifier: &CheckpointVerifier) -> Self {
        Self(verifier.key().clone())
    }
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text())
    }
}

impl FromStr for LogKey {
    type Err = NoteKeyError;

    fn from_str(text: &str) -> Result<Self, NoteKeyError> {
        NoteKey::parse(text, ED25519).map(Self).ok_or(NoteKeyError::Key)
    }
}

/// Cosigns as one witness.
#[derive(Clone)]
pub struct WitnessSigner {
    verifier: WitnessVerifier,
    key: SigningKey,
}

impl fmt::Debug for WitnessSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WitnessSigner").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

impl WitnessSigner {
    /// The witness `name` with the Ed25519 key whose seed is `seed`.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NoteKeyError> {
        if !is_name(name) {
            return Err(NoteKeyError::Name);
        }
        let key = SigningKey::from_bytes(seed);
        let verifier = WitnessVerifier(NoteKey::new(name, COSIGNATURE_V1, key.verifying_key()));
        Ok(Self { verifier, key })
    }

    /// What checks its cosignatures.
    #[must_use]
    pub const fn verifier(&self) -> &WitnessVerifier {
        &self.verifier
    }

    /// The signature line, line feed included, by which the witness says that it saw the checkpoint whose own lines are `text` at
    /// `time` (seconds since 1970). `None` when `text` has no whole lines or the time is beyond what a cosignature holds.
    #[must_use]
    pub fn cosign(&self, text: &str, time: u64) -> Option<String> {
        if !text.ends_with('\n') || i64::try_from(time).is_err() {
            return None;
        }
        let signature = self.key.sign(message(text, time).as_bytes()).to_bytes();
        Some(line(&self.verifier.0, &[&time.to_be_bytes()[..], &signature].concat()))
    }
}

/// Checks the cosignatures of one witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessVerifier(NoteKey);

impl WitnessVerifier {
    /// The witness's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// When the witness cosigned `note`, in seconds since 1970: the latest of its cosignatures that hold. `None` when none does.
    #[must_use]
    pub fn cosigned(&self, note: &str) -> Option<u64> {
        let note = Note::parse(note)?;
        let held = note.signatures_of(&self.0).filter_map(|signature| {
            let (time, signature) = signature.split_first_chunk::<TIME_BYTES>()?;
            let time = u64::from_be_bytes(*time);
            i64::try_from(time).ok()?;
            self.0.holds(message(note.text, time).as_bytes(), signature).then_some(time)
        });
        held.max()
    }
}

impl fmt::Display for WitnessVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text())
    }
}

impl FromStr for WitnessVerifier {
    type Err = NoteKeyError;

    fn from_str(text: &str) -> Result<Self, NoteKeyError> {
        NoteKey::parse(text, COSIGNATURE_V1).map(Self).ok_or(NoteKeyError::Key)
    }
}

fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// Those of `witnesses` whose cosignatures `note` carries, each once, with the time that they give, in the order of `witnesses`.
#[must_use]
pub fn cosigners<'w>(note: &str, witnesses: &'w [WitnessVerifier]) -> Vec<(&'w WitnessVerifier, u64)> {
    let mut found: Vec<(&WitnessVerifier, u64)> = Vec::new();
    for witness in witnesses {
        // One key under two names is one witness.
        let known = found.iter().any(|(other, _)| other.0.public() == witness.0.public());
        if !known && let Some(time) = witness.cosigned(note) {
            found.push((witness, time));
        }
    }
    found
}

/// The origin and checkpoint that `note` is about. No signature is looked at, and lines that a log added are passed over.
pub fn checkpoint_of(note: &str) -> Result<(&str, Checkpoint), CheckpointError> {
    let (text, _) = note.split_once("\n\n").ok_or(CheckpointError::Malformed)?;
    let mut ends = text.match_indices('\n').map(|(at, _)| at).skip(2);
    let own = ends.next().map_or(text, |at| text.get(..at).unwrap_or(text));
    let end = own.len().checked_add(1).ok_or(CheckpointError::Malformed)?;
    Checkpoint::parse(note.get(..end).ok_or(CheckpointError::Malformed)?)
}

#[cfg(test)]
mod tests;
