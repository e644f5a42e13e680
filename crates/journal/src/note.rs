//! Signed notes (c2sp.org/signed-note): a text, an empty line, and signature lines of keys that have names.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// The number of plain Ed25519 signatures: those of logs.
pub(crate) const ED25519: u8 = 1;
/// The number of timestamped Ed25519 cosignatures (c2sp.org/tlog-cosignature): those of witnesses.
pub(crate) const COSIGNATURE_V1: u8 = 4;

/// No note of ours has more signatures; a longer one is not read to its end.
const SIGNATURES_MAX: usize = 64;

/// The longest name of a key, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// A note, taken apart. Nothing is checked by that.
#[derive(Debug)]
pub(crate) struct Note<'a> {
    /// What is signed, its last line feed included.
    pub(crate) text: &'a str,
    signatures: Vec<Line<'a>>,
}

#[derive(Debug)]
struct Line<'a> {
    name: &'a str,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// The parts of `note`; `None` when it is not a signed note of a checkpoint, whose own lines are never empty.
    pub(crate) fn parse(note: &'a str) -> Option<Self> {
        let (text, signatures) = note.split_once("\n\n")?;
        let text = note.get(..text.len().checked_add(1)?)?;
        let lines = signatures.strip_suffix('\n')?.split('\n');
        let signatures = lines.map(Line::parse).take(SIGNATURES_MAX.saturating_add(1));
        let signatures = signatures.collect::<Option<Vec<_>>>()?;
        (signatures.len() <= SIGNATURES_MAX).then_some(Self { text, signatures })
    }

    /// The signatures by the key of that name and id.
    pub(crate) fn signatures_of<'n>(&'n self, key: &'n NoteKey) -> impl Iterator<Item = &'n [u8]> {
        let of = |line: &&Line<'_>| line.name == &*key.name && line.key_id == key.key_id;
        self.signatures.iter().filter(of).map(|line| line.signature.as_slice())
    }
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, blob) = line.strip_prefix("— ")?.split_once(' ')?;
        let blob = BASE64.decode(blob).ok()?;
        let (key_id, signature) = blob.split_first_chunk::<4>()?;
        Some(Self { name, key_id: *key_id, signature: signature.to_vec() })
    }
}

/// A signature line, its line feed included.
pub(crate) fn line(key: &NoteKey, signature: &[u8]) -> String {
    let blob = [&key.key_id[..], signature].concat();
    format!("— {} {}\n", key.name, BASE64.encode(blob))
}

/// A key that signs notes: its name, what kind of signatures it makes, and the public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoteKey {
    pub(crate) name: Box<str>,
    kind: u8,
    key_id: [u8; 4],
    key: VerifyingKey,
}

impl NoteKey {
    pub(crate) fn new(name: &str, kind: u8, key: VerifyingKey) -> Self {
        let hash = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', kind])
            .chain_update(key.as_bytes())
            .finalize();
        Self { name: name.into(), kind, key_id: [hash[0], hash[1], hash[2], hash[3]], key }
    }

    /// Whether `signature` is this key's over `message`.
    pub(crate) fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }

    /// The public key.
    pub(crate) fn public(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// The verifier key: name, key id, kind and key.
    pub(crate) fn text(&self) -> String {
        let key = [&[self.kind][..], self.key.as_bytes()].concat();
        format!("{}+{:08x}+{}", self.name, u32::from_be_bytes(self.key_id), BASE64.encode(key))
    }

    /// Reads a verifier key of the given kind in its one spelling.
    pub(crate) fn parse(text: &str, kind: u8) -> Option<Self> {
        let (name, rest) = text.split_once('+')?;
        let (_, key) = rest.split_once('+')?;
        let key = BASE64.decode(key).ok()?;
        let key: &[u8; 32] = key.strip_prefix(&[kind])?.try_into().ok()?;
        let key = Self::new(name, kind, VerifyingKey::from_bytes(key).ok()?);
        (is_name(name) && key.text() == text).then_some(key)
    }
}

/// Whether a key may have that name: printable, no space, no plus sign.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(plain)
}
