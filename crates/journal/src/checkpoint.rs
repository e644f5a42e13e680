//! Checkpoints: what a journal's tree is, signed, in the text formats of c2sp.org/tlog-checkpoint and c2sp.org/signed-note.
//!
//! ```text
//! almoner.0192f0c1-2b3c-7d4e-8f90-123456789abc/berkshire-west/ledger     origin
//! 20852163                                                               size, in records
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=                           root
//!
//! — <origin> <base64 of key id (4 bytes) ++ Ed25519 signature of the text above the empty line>
//! ```

use crate::note::{ED25519, Note, NoteKey, line};
use crate::{Digest, IdError, Service, SystemName};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use core::{fmt, str::FromStr};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use uuid::Uuid;

/// A text is not a checkpoint that counts here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a signed note of a checkpoint.
    #[error("not a signed checkpoint")]
    Malformed,
    /// A checkpoint of another journal.
    #[error("a checkpoint of another journal, {0}")]
    Origin(String),
    /// No signature of the expected key.
    #[error("the checkpoint has no signature of the expected key")]
    Unsigned,
    /// The expected key's signature does not hold.
    #[error("the checkpoint's signature does not hold")]
    Signature,
}

/// A journal's name in the world: installation, system and service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(Box<str>);

impl Origin {
    /// The origin of the journal of (`system`, `service`) in the installation whose UUID is `installation`.
    #[must_use]
    pub fn new(installation: [u8; 16], system: &SystemName, service: Service) -> Self {
        Self(format!("almoner.{}/{system}/{service}", Uuid::from_bytes(installation)).into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The installation's UUID.
    #[must_use]
    pub fn installation(&self) -> [u8; 16] {
        let id = self.0.strip_prefix("almoner.").and_then(|rest| rest.split('/').next());
        id.and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_default().into_bytes()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut parts = text.split('/');
        let (installation, system, service) = (parts.next(), parts.next(), parts.next());
        let installation =
            installation.and_then(|part| part.strip_prefix("almoner.")).ok_or(IdError::NotUuid)?;
        let installation = Uuid::try_parse(installation).map_err(|_| IdError::NotUuid)?;
        let origin = Self::new(
            installation.into_bytes(),
            &system.unwrap_or_default().parse()?,
            service.unwrap_or_default().parse()?,
        );
        if origin.as_str() == text { Ok(origin) } else { Err(IdError::NotUuid) }
    }
}

/// The size and root of a journal's tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many records the tree covers.
    pub size: u64,
    /// Its root (RFC 6962 section 2.1).
    pub root: Digest,
}

impl Checkpoint {
    /// The text that is signed.
    fn text(&self, origin: &Origin) -> String {
        format!("{origin}\n{}\n{}\n", self.size, BASE64.encode(self.root.0))
    }

    /// What a note says it is, and of which journal. **No signature is looked at**: it says where to look, and proves nothing.
    pub fn claimed(note: &str) -> Result<(Origin, Self), CheckpointError> {
        let malformed = || CheckpointError::Malformed;
        let (text, _) = note.split_once("\n\n").ok_or_else(malformed)?;
        let text = note.get(..text.len().saturating_add(1)).ok_or_else(malformed)?;
        let (origin, checkpoint) = Self::parse(text)?;
        Ok((origin.parse().map_err(|_| malformed())?, checkpoint))
    }

    /// Reads the signed text; the signature is not looked at.
    pub(crate) fn parse(text: &str) -> Result<(&str, Self), CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Malformed)?.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Malformed);
        };
        let number: u64 = size.parse().map_err(|_| CheckpointError::Malformed)?;
        let root = decode(root)?;
        if number.to_string() != size {
            return Err(CheckpointError::Malformed);
        }
        Ok((origin, Self { size: number, root: Digest(root) }))
    }
}

/// Signs the checkpoints of one journal.
#[derive(Clone)]
pub struct CheckpointSigner {
    verifier: CheckpointVerifier,
    key: SigningKey,
}

impl CheckpointSigner {
    /// Signs for `origin` with the Ed25519 key whose seed is `seed`.
    #[must_use]
    pub fn new(origin: Origin, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        Self { verifier: CheckpointVerifier::new(origin, key.verifying_key()), key }
    }

    /// What checks its signatures.
    #[must_use]
    pub const fn verifier(&self) -> &CheckpointVerifier {
        &self.verifier
    }

    /// The signed note of `checkpoint`. About 30 µs: once per group at most, never per record.
    #[must_use]
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        let text = checkpoint.text(&self.verifier.origin);
        format!("{text}\n{}", self.sign_line(&text))
    }

    /// The signature line of `text`.
    pub(crate) fn sign_line(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        line(&self.verifier.key, &signature)
    }
}

impl fmt::Debug for CheckpointSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointSigner").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

/// Checks the checkpoints of one journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointVerifier {
    origin: Origin,
    key: NoteKey,
    public: VerifyingKey,
}

impl CheckpointVerifier {
    /// Checks the checkpoints of `origin` with the same key: an installation signs all its journals with one.
    #[must_use]
    pub fn for_origin(&self, origin: Origin) -> Self {
        Self::new(origin, self.public)
    }

    fn new(origin: Origin, public: VerifyingKey) -> Self {
        let key = NoteKey::new(origin.as_str(), ED25519, public);
        Self { origin, key, public }
    }

    /// Whether `note` carries this key's signature.
    pub(crate) fn signed(&self, note: &Note<'_>) -> bool {
        note.signatures_of(&self.key).any(|signature| self.key.holds(note.text.as_bytes(), signature))
    }

    pub(crate) const fn key(&self) -> &NoteKey {
        &self.key
    }

    /// Whose checkpoints it checks.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The checkpoint in the signed note `note`, if it is this journal's and its signature holds. Signatures of other keys
    /// (witnesses) may stand beside it.
    pub fn verify(&self, note: &str) -> Result<Checkpoint, CheckpointError> {
        let malformed = || CheckpointError::Malformed;
        // The first empty line divides: a checkpoint's own lines are never empty.
        let (text, _) = note.split_once("\n\n").ok_or_else(malformed)?;
        let text = note.get(..text.len().saturating_add(1)).ok_or_else(malformed)?;
        let (origin, checkpoint) = Checkpoint::parse(text)?;
        if origin != self.origin.as_str() {
            return Err(CheckpointError::Origin(origin.chars().take(200).collect()));
        }
        let note = Note::parse(note).ok_or_else(malformed)?;
        let mut found = false;
        for signature in note.signatures_of(&self.key) {
            if !self.key.holds(text.as_bytes(), signature) {
                return Err(CheckpointError::Signature);
            }
            found = true;
        }
        if found { Ok(checkpoint) } else { Err(CheckpointError::Unsigned) }
    }
}

/// The verifier key as c2sp.org/signed-note spells it: name, key id, type and key.
impl fmt::Display for CheckpointVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key.text())
    }
}

impl FromStr for CheckpointVerifier {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let key = NoteKey::parse(text, ED25519).ok_or(CheckpointError::Malformed)?;
        let origin = key.name.parse().map_err(|_| CheckpointError::Malformed)?;
        let public = VerifyingKey::from_bytes(&key.public()).map_err(|_| CheckpointError::Malformed)?;
        Ok(Self { origin, key, public })
    }
}

fn decode(text: &str) -> Result<[u8; 32], CheckpointError> {
    BASE64.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(CheckpointError::Malformed)
}

#[cfg(test)]
mod tests;
